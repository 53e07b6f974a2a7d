using System.Net;
using EchoHost.Transport;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace EchoHost.Peers;

/// <summary>What carries the commands' connections: the epoll transport where there is one, else Kestrel's sockets.</summary>
internal sealed class PeerTransport : IDisposable
{
    private readonly EpollTransport? _epoll;
    private readonly SocketsConnectionFactory? _sockets;
    private readonly IPAddress? _source;

    /// <param name="loops">How many event loops.</param>
    /// <param name="source">The address to connect from; null for the one that the system chooses.</param>
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

    /// <summary>Connects.</summary>
    /// <param name="continuesOnLoop">Whether the code that awaits a connection goes on right on its event loop; not for TLS, whose arithmetic would hold it up.</param>
    public IConnectionFactory Connections(bool continuesOnLoop) => _epoll is null ? _sockets! : new EpollConnectionFactory(_epoll, continuesOnLoop, _source);

    public void Dispose()
    {
        _epoll?.Dispose();
        _sockets?.Dispose();
    }
}
