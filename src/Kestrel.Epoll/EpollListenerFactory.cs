using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Kestrel.Epoll;

/// <summary>
/// Binds what Kestrel listens on: IP addresses, Unix sockets, and sockets that another process has bound
/// (<see cref="FileHandleEndPoint"/>). Other kinds of end point are left to the factories registered before.
/// </summary>
/// <param name="transport">Whose loops watch the connections; the caller's to dispose of.</param>
public sealed class EpollListenerFactory(EpollTransport transport) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly EpollTransport _transport = transport ?? throw new ArgumentNullException(nameof(transport));

    /// <summary>Whether it is an end point of a kind that can be listened on.</summary>
    public bool CanBind(EndPoint endpoint) =>
        endpoint is IPEndPoint or UnixDomainSocketEndPoint or FileHandleEndPoint { FileHandleType: not FileHandleType.Pipe };

    /// <summary>Binds, listens, and accepts from then on.</summary>
    /// <exception cref="AddressInUseException">The address or the path is taken.</exception>
    /// <exception cref="SocketException">It can't be had for another reason.</exception>
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
                // A Unix socket's path reads back as another kind of end point than was asked for.
                var bound = endpoint is UnixDomainSocketEndPoint ? endpoint : socket.LocalEndPoint!;
                var policy = options.AcceptPolicy?.Invoke(endpoint);
                return new ValueTask<IConnectionListener>(_transport.Listen(socket, bound, policy, options.ContinueOnLoop(endpoint)));
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
