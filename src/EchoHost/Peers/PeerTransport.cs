using System.Net;
using EchoHost.Transport;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace EchoHost.Peers;

/// <summary>The transport of the commands: epoll if the system supports it, else Kestrel's sockets.</summary>
internal sealed class PeerTransport : IDisposable
{
    private readonly EpollTransport? _epoll;
    private readonly SocketsConnectionFactory? _sockets;
    private readonly IPAddress? _source;

    /// <param name="loops">The number of event loops.</param>
    /// <param name="source">The address to connect from; null for the system's choice.</param>
    public PeerTransport(int loops, IPAddress? source = null)
    {
        _source = source;
        if (EpollTransport.IsSupported)
        {
            _epoll = new EpollTransport(new EpollTransportOptions { LoopCount = loops, ThreadName = "echo loop" });
        }
        else
        {
            _sockets = new SocketsConnectionFactory(NullLoggerFactory.Instance, source);
        }
    }

    /// <summary>The factory that makes connections over this transport.</summary>
    /// <param name="continuesOnLoop">
    /// Whether code that awaits a connection continues on the connection's event loop. Not for TLS: its cryptography would
    /// hold up the loop.
    /// </param>
    public IConnectionFactory Connections(bool continuesOnLoop) =>
        _epoll is null ? _sockets! : new EpollConnectionFactory(_epoll, continuesOnLoop, _source);

    /// <summary>A client for one peer over this transport.</summary>
    /// <param name="target">The peer.</param>
    /// <param name="link">How to make connections.</param>
    /// <param name="remembersNames">Whether a name is looked up once for all connections.</param>
    public PeerClient ClientOf(PeerTarget target, PeerLink link, bool remembersNames = false)
    {
        INameResolver names = NameLookups.OfSystem(link.Family);
        return new PeerClient(
            Connections(continuesOnLoop: !target.IsTls), remembersNames ? new RememberedNames(names) : names, link, TimeProvider.System);
    }

    public void Dispose()
    {
        _epoll?.Dispose();
        _sockets?.Dispose();
    }
}
