using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace EchoHost.Transport;

/// <summary>Connects to others over Kestrel's own sockets, where the epoll transport is not used.</summary>
/// <param name="loggers">For the connections.</param>
/// <param name="source">The address to connect from; null for the one that the system chooses.</param>
internal sealed class SocketsConnectionFactory(ILoggerFactory loggers, IPAddress? source = null) : IConnectionFactory, IDisposable
{
    private readonly SocketConnectionContextFactory _contexts = new(new SocketConnectionFactoryOptions(), loggers.CreateLogger<SocketConnectionContextFactory>());

    /// <summary>Connects to an IP address and port.</summary>
    /// <exception cref="SocketException">It could not be connected to.</exception>
    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (source is not null)
            {
                socket.Bind(new IPEndPoint(source, 0));
            }

            await socket.ConnectAsync(endpoint, cancellationToken);
            return _contexts.Create(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose() => _contexts.Dispose();
}
