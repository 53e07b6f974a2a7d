using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Kestrel.Epoll;

/// <summary>
/// Binds Kestrel's end points: IP addresses, Unix sockets, and sockets that another process has bound
/// (<see cref="FileHandleEndPoint"/>). Other kinds are left to the factories that were registered before.
/// </summary>
/// <param name="transport">The transport whose loops watch the connections. The caller disposes of it.</param>
public sealed class EpollListenerFactory(EpollTransport transport) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly EpollTransport _transport = transport ?? throw new ArgumentNullException(nameof(transport));

    /// <summary>Whether this factory can listen on this kind of end point.</summary>
    public bool CanBind(EndPoint endpoint) =>
        endpoint is IPEndPoint or UnixDomainSocketEndPoint or FileHandleEndPoint { FileHandleType: not FileHandleType.Pipe };

    /// <summary>Binds, listens, and starts to accept.</summary>
    /// <exception cref="AddressInUseException">The address or the path is in use.</exception>
    /// <exception cref="SocketException">The end point can't be bound for another reason.</exception>
    /// <exception cref="PlatformNotSupportedException">This system has no epoll.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        EpollTransport.ThrowUnlessSupported();
        var options = _transport.Options;
        try
        {
            var socket = Bind(endpoint);
            try
            {
                socket.Listen(options.Backlog);
                // A Unix socket's LocalEndPoint is of another type than the requested end point.
                var bound = endpoint is UnixDomainSocketEndPoint ? endpoint : socket.LocalEndPoint!;
                var policy = options.AcceptPolicy?.Invoke(endpoint);
                return new ValueTask<IConnectionListener>(
                    _transport.Listen(socket, bound, policy, options.ContinueOnLoop(endpoint), _transport.TakeStart(endpoint)));
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(e.Message, e);
        }
    }

    private static Socket Bind(EndPoint endpoint) => endpoint is FileHandleEndPoint file
        ? new Socket(new SafeSocketHandle((nint)file.FileHandle, ownsHandle: true))
        : SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
}
