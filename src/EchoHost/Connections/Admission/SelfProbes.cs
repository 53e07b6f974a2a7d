using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace EchoHost.Connections.Admission;

/// <summary>
/// The connections of the host's own readiness check, which show that a listener works. They belong to no user, so they
/// skip every limit and appear in no list, log or metric. Each is identified by its local end point, which is fixed before
/// it connects.
/// </summary>
internal sealed class SelfProbes
{
    private readonly ConcurrentDictionary<string, byte> _own = new(StringComparer.Ordinal);

    /// <summary>Opens a socket that is recognised, while it is open, when it connects to <paramref name="target"/>.</summary>
    public Socket Open(EndPoint target)
    {
        var socket = target is IPEndPoint
            ? new ProbeSocket(this, target.AddressFamily, ProtocolType.Tcp) { NoDelay = true }
            : new ProbeSocket(this, AddressFamily.Unix, ProtocolType.Unspecified);
        try
        {
            // A Unix socket is nameless unless bound; the abstract name needs no file (unix(7)).
            socket.BindAs(target is IPEndPoint ip ? new IPEndPoint(ip.Address, 0) : new UnixDomainSocketEndPoint($"\0echohost-probe-{Guid.NewGuid():N}"));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public bool Contains(EndPoint? remote) => !_own.IsEmpty && remote is not null && _own.ContainsKey(Key(remote));

    private static string Key(EndPoint endPoint) =>
        endPoint is IPEndPoint ip ? new IPEndPoint(ip.Address.MapToIPv6(), ip.Port).ToString() : endPoint.ToString()!;

    /// <summary>A probe's socket; closing it removes it from the known probes.</summary>
    private sealed class ProbeSocket(SelfProbes probes, AddressFamily family, ProtocolType protocol) : Socket(family, SocketType.Stream, protocol)
    {
        private string? _key;

        public void BindAs(EndPoint local)
        {
            Bind(local);
            _key = Key(LocalEndPoint!);
            probes._own.TryAdd(_key, 0);
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (_key is not null)
            {
                probes._own.TryRemove(_key, out _);
            }
        }
    }
}
