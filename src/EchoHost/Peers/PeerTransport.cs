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

    public void Dispose()
    {
        _epoll?.Dispose();
        _sockets?.Dispose();
    }
}
