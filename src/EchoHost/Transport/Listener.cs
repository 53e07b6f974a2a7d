using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace EchoHost.Transport;

/// <summary>Accepts an endpoint's connections.</summary>
internal sealed class Listener(Socket listenSocket, EndPoint endPoint, SocketConnectionContextFactory connections, AcceptErrors errors) : IConnectionListener
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
