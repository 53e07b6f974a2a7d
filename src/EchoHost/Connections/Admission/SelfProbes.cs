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

    /// <summary>Opens a socket that is recognised when it connects to <paramref name="target"/>, even if it is closed by then.</summary>
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
            return probe.ClosedAt is not { } closed || (_own.Remove(Key(remote)) && IsRecent(closed));
        }
    }

    private State Add(string key)
    {
        lock (_lock)
        {
            foreach (var (gone, _) in _own.Where(own => own.Value.ClosedAt is { } closed && !IsRecent(closed)).ToArray())
            {
                _own.Remove(gone);
            }

            return _own[key] = new State();
        }
    }

    /// <summary>One that was met needs no more recognition, and its port may be a client's next; any other may still be met.</summary>
    private void Close(string key, State probe)
    {
        lock (_lock)
        {
            probe.ClosedAt = time.GetTimestamp();
            // Its port may be another probe's already.
            if (probe.IsMet && _own.TryGetValue(key, out var now) && now == probe)
            {
                _own.Remove(key);
            }
        }
    }

    private bool IsRecent(long closed) => time.GetElapsedTime(closed) <= Late;

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
        private string _key = "";
        private State? _state;

        public void BindAs(EndPoint local)
        {
            Bind(local);
            _key = Key(LocalEndPoint!);
            _state = probes.Add(_key);
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (Interlocked.Exchange(ref _state, null) is { } state)
            {
                probes.Close(_key, state);
            }
        }
    }
}
