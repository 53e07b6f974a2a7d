using System.Net;
using System.Net.Sockets;

namespace EchoHost.Connections.Admission;

/// <summary>
/// The connections of the host's own readiness check, which show that a listener works. They belong to no user, so they
/// skip every limit and appear in no list, log or metric. Each is identified by its local end point, which is fixed before
/// it connects.
/// </summary>
internal sealed class SelfProbes(TimeProvider time)
{
    /// <summary>
    /// How long a probe that has given up is still recognised: a host that is too slow to answer it may meet it only then.
    /// </summary>
    private static readonly TimeSpan Late = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, State> _own = new(StringComparer.Ordinal);

    /// <summary>Opens a socket that is recognised when it connects to <paramref name="target"/>, also if it is closed by then.</summary>
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

    /// <summary>Whether a connection that the host has just accepted is one of its own probes.</summary>
    /// <param name="remote">Where it comes from.</param>
    public bool Meet(EndPoint? remote)
    {
        lock (_lock)
        {
            if (_own.Count == 0 || remote is null || !_own.TryGetValue(Key(remote), out var probe))
            {
                return false;
            }

            probe.IsMet = true;
            if (probe.ClosedAt is not null)
            {
                _own.Remove(Key(remote));
            }

            return true;
        }
    }

    private void Add(string key)
    {
        lock (_lock)
        {
            foreach (var (gone, _) in _own.Where(own => own.Value.ClosedAt is { } closed && time.GetElapsedTime(closed) > Late).ToArray())
            {
                _own.Remove(gone);
            }

            _own[key] = new State();
        }
    }

    /// <summary>One that was met needs no more recognition, and its port may be a client's next; any other may still be met.</summary>
    private void Close(string key)
    {
        lock (_lock)
        {
            if (_own[key].IsMet)
            {
                _own.Remove(key);
            }
            else
            {
                _own[key].ClosedAt = time.GetTimestamp();
            }
        }
    }

    private static string Key(EndPoint endPoint) =>
        endPoint is IPEndPoint ip ? new IPEndPoint(ip.Address.MapToIPv6(), ip.Port).ToString() : endPoint.ToString()!;

    private sealed class State
    {
        public bool IsMet { get; set; }

        /// <summary>The clock's timestamp; null while the socket is open.</summary>
        public long? ClosedAt { get; set; }
    }

    private sealed class ProbeSocket(SelfProbes probes, AddressFamily family, ProtocolType protocol) : Socket(family, SocketType.Stream, protocol)
    {
        private string? _key;

        public void BindAs(EndPoint local)
        {
            Bind(local);
            _key = Key(LocalEndPoint!);
            probes.Add(_key);
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (Interlocked.Exchange(ref _key, null) is { } key)
            {
                probes.Close(key);
            }
        }
    }
}
