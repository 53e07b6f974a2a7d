using System.Net;
using System.Net.Sockets;
using EchoHost.Connections.Admission;
using EchoHost.Descriptors;
using EchoHost.Endpoints;
using EchoHost.Metrics;
using EchoHost.Transport;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace EchoHost.Hosting;

/// <summary>
/// Replaces Kestrel's own listener, which ignores errors of accept(2) without a log line or a pause. Connections of raw endpoints
/// use the epoll transport if it is available; all others use Kestrel's own.
/// </summary>
internal sealed class ListenerFactory(
    ListenEndpoints endpoints,
    TransportOptions transport,
    EpollTransport epoll,
    [FromKeyedServices(KestrelExtensions.ForTls)] EpollTransport epollForTls,
    EchoMetrics metrics,
    DescriptorReserve reserve,
    TimeProvider time,
    ILoggerFactory loggers) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>The length of the accept queue. The kernel caps it at net.core.somaxconn (listen(2)).</summary>
    private const int Backlog = 4096;

    /// <summary>
    /// The maximum bytes that a connection's pipe holds of received data, and of data that the client does not take. A read
    /// returns at most the first, which is copied behind the second, so a connection stays far below 1 MiB.
    /// </summary>
    private const long MaxReadBuffer = 64 * 1024;
    private const long MaxWriteBuffer = 64 * 1024;

    /// <summary>
    /// On raw endpoints a flush completes only when the kernel has all bytes, so the close knows that everything is sent.
    /// </summary>
    private const long MaxEchoWriteBuffer = 1;

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var raw = endpoints.Of(endpoint);
        var listenSocket = ListenSockets.Bind(endpoint, raw, endpoints.Http);
        listenSocket.Listen(Backlog);
        var errors = new AcceptErrors(metrics.For(raw?.Name ?? EchoMetrics.HttpEndpoint), reserve, time, loggers.CreateLogger<AcceptErrors>());
        // A Unix socket's LocalEndPoint is of another type than the requested end point.
        var bound = endpoint is IPEndPoint ? listenSocket.LocalEndPoint! : endpoint;
        return new ValueTask<IConnectionListener>(raw is not null && transport.IsEpoll
            ? (raw.Tls is null ? epoll : epollForTls).Listen(listenSocket, bound, errors, continueOnLoop: true, epoll.TakeStart(endpoint))
            : new SocketsListener(listenSocket, bound, Connections(raw is null ? MaxWriteBuffer : MaxEchoWriteBuffer), errors));
    }

    private SocketConnectionContextFactory Connections(long maxWriteBuffer) => new(
        new SocketConnectionFactoryOptions { MaxReadBufferSize = MaxReadBuffer, MaxWriteBufferSize = maxWriteBuffer },
        loggers.CreateLogger<SocketConnectionContextFactory>());
}
