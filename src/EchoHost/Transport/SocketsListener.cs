using System.Net;
using System.Net.Sockets;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace EchoHost.Transport;

/// <summary>Accepts an endpoint's connections and runs them on Kestrel's own transport.</summary>
internal sealed class SocketsListener(
    Socket listenSocket, EndPoint endPoint, SocketConnectionContextFactory connections, IAcceptPolicy policy)
    : IConnectionListener
{
    private readonly CancellationTokenSource _unbound = new();

    public EndPoint EndPoint { get; } = endPoint;

    /// <summary>Returns the next connection; null once the listener is unbound.</summary>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (!_unbound.IsCancellationRequested)
        {
            try
            {
                var socket = await listenSocket.AcceptAsync(_unbound.Token);
                if (!policy.TryKeep())
                {
                    // Close with RST.
                    socket.Close(timeout: 0);
                    await policy.RejectedAsync(_unbound.Token);
                }
                else if (TryPrepare(socket))
                {
                    return connections.Create(socket);
                }
            }
            catch (Exception e) when (_unbound.IsCancellationRequested && e is ObjectDisposedException or SocketException or OperationCanceledException)
            {
                break;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionAborted)
            {
                policy.ClientGone();
            }
            catch (SocketException e)
            {
                await FailedAsync(e);
            }
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _unbound.Cancel();
        listenSocket.Dispose();
        return default;
    }

    public ValueTask DisposeAsync()
    {
        connections.Dispose();
        return UnbindAsync();
    }

    private async Task FailedAsync(SocketException e)
    {
        try
        {
            await policy.FailedAsync(e, _unbound.Token);
        }
        catch (OperationCanceledException)
        {
            // Unbound.
        }
    }

    /// <summary>
    /// Sets TCP_NODELAY, so that an echo is sent at once. Returns false if the client has already reset the connection.
    /// </summary>
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
