using System.Net;
using System.Net.Sockets;
using EchoHost.Configuration;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace EchoHost.Transport;

/// <summary>
/// Listens on the echo endpoints in place of Kestrel's own listener, which passes over the errors of accept(2) without
/// a word or a rest. The connections themselves are Kestrel's; HTTP stays with it altogether.
/// </summary>
internal sealed class EchoListenerFactory(HostSettings settings, EchoMetrics metrics, TimeProvider time, ILoggerFactory loggers) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>The kernel caps it at net.core.somaxconn (listen(2)).</summary>
    public const int Backlog = 4096;

    /// <summary>
    /// What one connection's pipe holds of what its peer sent, and of what its peer does not take. A read returns up to
    /// the first, which is copied behind the second, so that a connection stays far below 1 MiB.
    /// </summary>
    private const long MaxReadBuffer = 128 * 1024;
    private const long MaxWriteBuffer = 64 * 1024;

    public bool CanBind(EndPoint endpoint) => settings.EndpointOf(endpoint) is not null;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var owner = settings.EndpointOf(endpoint)!;
        var listenSocket = ListenSockets.Bind(endpoint, settings);
        listenSocket.Listen(Backlog);
        var connections = new SocketConnectionContextFactory(
            new SocketConnectionFactoryOptions { MaxReadBufferSize = MaxReadBuffer, MaxWriteBufferSize = MaxWriteBuffer },
            loggers.CreateLogger<SocketConnectionContextFactory>());
        var errors = new AcceptErrors(owner, metrics.For(owner.Name), time, loggers.CreateLogger<AcceptErrors>());
        // A Unix socket's own end point can't be bound again as what it reads back as; the one asked for is as good.
        var bound = endpoint is IPEndPoint ? listenSocket.LocalEndPoint! : endpoint;
        return new ValueTask<IConnectionListener>(new EchoListener(listenSocket, bound, connections, errors));
    }
}

/// <summary>Accepts an echo endpoint's connections.</summary>
internal sealed class EchoListener(Socket listenSocket, EndPoint endPoint, SocketConnectionContextFactory connections, AcceptErrors errors) : IConnectionListener
{
    private volatile bool _isUnbound;

    public EndPoint EndPoint { get; } = endPoint;

    /// <summary>The next connection; null once the listener is unbound.</summary>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (!_isUnbound)
        {
            try
            {
                var socket = await listenSocket.AcceptAsync(cancellationToken);
                errors.Ended();
                if (TryPrepare(socket))
                {
                    return connections.Create(socket);
                }
            }
            catch (Exception e) when (_isUnbound && e is ObjectDisposedException or SocketException or OperationCanceledException)
            {
                break;
            }
            catch (SocketException e)
            {
                await errors.FailedAsync(e.SocketErrorCode, cancellationToken);
            }
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _isUnbound = true;
        listenSocket.Dispose();
        return default;
    }

    public ValueTask DisposeAsync()
    {
        _isUnbound = true;
        listenSocket.Dispose();
        connections.Dispose();
        return default;
    }

    /// <summary>An echo waits for nothing (TCP_NODELAY). A caller that has reset the connection meanwhile is passed over.</summary>
    private bool TryPrepare(Socket socket)
    {
        try
        {
            if (EndPoint is IPEndPoint)
            {
                socket.NoDelay = true;
            }

            return true;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return false;
        }
    }
}
