using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace EchoHost.Transport;

/// <summary>Connects over Kestrel's own sockets, where the epoll transport is not used.</summary>
/// <param name="loggers">Creates the connections' loggers.</param>
/// <param name="open">Opens the socket that connects to an end point.</param>
internal sealed class SocketsConnectionFactory(ILoggerFactory loggers, Func<EndPoint, Socket> open) : IConnectionFactory, IDisposable
{
    private readonly SocketConnectionContextFactory _contexts = new(
        new SocketConnectionFactoryOptions(),
        loggers.CreateLogger<SocketConnectionContextFactory>());

    /// <summary>Connects over TCP.</summary>
    /// <param name="loggers">Creates the connections' loggers.</param>
    /// <param name="source">The address to connect from; null for the one that the system chooses.</param>
    public SocketsConnectionFactory(ILoggerFactory loggers, IPAddress? source = null)
        : this(loggers, endPoint => Open(endPoint, source))
    {
    }

    /// <exception cref="SocketException">The connection failed.</exception>
    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var socket = open(endpoint);
        try
        {
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

    private static Socket Open(EndPoint endPoint, IPAddress? source)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (source is not null)
            {
                socket.Bind(new IPEndPoint(source, 0));
            }

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
