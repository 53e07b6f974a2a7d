using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace EchoHost.Connections.Admission;

/// <summary>
/// The connections that this host's own readiness check makes. They show that a listener lives; they belong to no
/// user, so they pass every limit and appear in no list, log or count. Each is known by its local end point before it connects.
/// </summary>
internal sealed class SelfProbes
{
    private readonly ConcurrentDictionary<string, byte> _own = new(StringComparer.Ordinal);

    /// <summary>Opens a socket that will be recognised when it connects to <paramref name="target"/>.</summary>
    public SelfProbe Open(EndPoint target)
    {
        var socket = target is IPEndPoint
            ? new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        // A Unix socket is nameless unless bound; the abstract name needs no file (unix(7)).
        socket.Bind(target is IPEndPoint ip ? new IPEndPoint(ip.Address, 0) : new UnixDomainSocketEndPoint($"\0echohost-probe-{Guid.NewGuid():N}"));
        var key = Key(socket.LocalEndPoint!);
        _own.TryAdd(key, 0);
        return new SelfProbe(socket, () => _own.TryRemove(key, out _));
    }

    public bool Contains(EndPoint? remote) => !_own.IsEmpty && remote is not null && _own.ContainsKey(Key(remote));

    private static string Key(EndPoint endPoint) =>
        endPoint is IPEndPoint ip ? new IPEndPoint(ip.Address.MapToIPv6(), ip.Port).ToString() : endPoint.ToString()!;
}

/// <summary>A probe's socket; disposing it closes the socket and forgets it.</summary>
internal sealed class SelfProbe(Socket socket, Action forget) : IDisposable
{
    public Socket Socket { get; } = socket;

    public void Dispose()
    {
        Socket.Dispose();
        forget();
    }
}
