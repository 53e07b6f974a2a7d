using System.Net;
using System.Net.Sockets;
using EchoHost.Configuration;
using EchoHost.Http;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace EchoHost.Transport;

/// <summary>
/// Listens in place of Kestrel's own listener, which passes over the errors of accept(2) without a word or a rest. The
/// connections themselves are Kestrel's.
/// </summary>
internal sealed class ListenerFactory(HostSettings settings, EchoMetrics metrics, TimeProvider time, ILoggerFactory loggers) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>The kernel caps it at net.core.somaxconn (listen(2)).</summary>
    private const int Backlog = 4096;

    /// <summary>
    /// What one connection's pipe holds of what its peer sent, and of what its peer does not take. A read returns up to
    /// the first, which is copied behind the second, so that a connection stays far below 1 MiB.
    /// </summary>
    private const long MaxReadBuffer = 64 * 1024;
    private const long MaxWriteBuffer = 64 * 1024;

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var name = settings.EndpointOf(endpoint)?.Name ?? HttpAddress.EndpointName;
        var listenSocket = ListenSockets.Bind(endpoint, settings);
        listenSocket.Listen(Backlog);
        var connections = new SocketConnectionContextFactory(
            new SocketConnectionFactoryOptions { MaxReadBufferSize = MaxReadBuffer, MaxWriteBufferSize = MaxWriteBuffer },
            loggers.CreateLogger<SocketConnectionContextFactory>());
        var errors = new AcceptErrors(metrics.For(name), time, loggers.CreateLogger<AcceptErrors>());
        // A Unix socket's path reads back as another kind of end point than was asked for.
        var bound = endpoint is IPEndPoint ? listenSocket.LocalEndPoint! : endpoint;
        return new ValueTask<IConnectionListener>(new Listener(listenSocket, bound, connections, errors));
    }
}
