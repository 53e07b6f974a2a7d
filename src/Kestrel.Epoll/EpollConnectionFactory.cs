using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Epoll;

/// <summary>Opens outgoing connections over the epoll transport; they work like accepted ones.</summary>
/// <param name="transport">The transport whose loops watch the connections. The caller disposes of it.</param>
/// <param name="continueOnLoop">
/// Whether continuations run directly on the connection's event loop: see <see cref="EpollTransport.Listen"/>.
/// </param>
/// <param name="source">The address to connect from; null to let the kernel choose.</param>
public sealed class EpollConnectionFactory(EpollTransport transport, bool continueOnLoop = false, IPAddress? source = null) : IConnectionFactory
{
    private readonly EpollTransport _transport = transport ?? throw new ArgumentNullException(nameof(transport));

    /// <summary>Connects to an IP address and port.</summary>
    /// <exception cref="SocketException">The connection failed.</exception>
    /// <exception cref="NotSupportedException"><paramref name="endpoint"/> is another kind of end point.</exception>
    /// <exception cref="PlatformNotSupportedException">This system has no epoll.</exception>
    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var target = endpoint as IPEndPoint ?? throw new NotSupportedException($"{endpoint} is no IP address and port");
        var loop = _transport.Loops.Next();
        var descriptor = SocketDescriptor.Connect(target, source, out var error) ?? throw error.ToException();
        try
        {
            if (error == Errno.InProgress && (error = await ConnectedAsync(loop, descriptor, cancellationToken)) != Errno.None)
            {
                throw error.ToException(isFromNetwork: true);
            }

            return new EpollConnection(_transport, loop, descriptor, target, isUnix: false, continueOnLoop);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Waits for the kernel to report the result of connect(2), then stops watching the descriptor.</summary>
    private async Task<Errno> ConnectedAsync(EventLoop loop, SocketDescriptor descriptor, CancellationToken cancellationToken)
    {
        var connecting = new Connecting(continueOnLoop);
        var token = loop.Register(connecting);
        try
        {
            if (loop.Watch(descriptor, token, EpollOperation.Add, EpollEvents.Writable) is var refused and not Errno.None)
            {
                throw refused.ToException();
            }

            using var canceled = cancellationToken.UnsafeRegister(
                static (state, canceledBy) => ((Connecting)state!).Reported.TrySetCanceled(canceledBy), connecting);
            await connecting.Reported.Task;
            var unwatched = loop.Watch(descriptor, token, EpollOperation.Delete, EpollEvents.None);
            return unwatched == Errno.None ? descriptor.TakeError() : unwatched;
        }
        finally
        {
            loop.Unregister(token);
        }
    }

    private sealed class Connecting(bool continuesOnLoop) : IPollable
    {
        public TaskCompletionSource Reported { get; } = new(continuesOnLoop ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);

        public void OnEvents(EpollEvents events) => Reported.TrySetResult();

        public void OnFailed(Exception exception) => Reported.TrySetException(exception);
    }
}
