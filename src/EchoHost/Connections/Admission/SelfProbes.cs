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

    /// <summary>Those that the host has not met yet, each with the timestamp at which it gave up; null while it is open.</summary>
    private readonly Dictionary<string, long?> _unmet = new(StringComparer.Ordinal);

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

    /// <summary>Whether a connection that the host has just accepted is one of its own probes. Each is met once.</summary>
    /// <param name="remote">Where it comes from.</param>
    public bool Meet(EndPoint? remote)
    {
        lock (_lock)
        {
            return _unmet.Count > 0 && remote is not null && _unmet.Remove(Key(remote), out var gaveUpAt) && !IsTooLate(gaveUpAt);
        }
    }

    private void Add(string key)
    {
        lock (_lock)
        {
            foreach (var (gone, _) in _unmet.Where(probe => IsTooLate(probe.Value)).ToArray())
            {
                _unmet.Remove(gone);
            }

            _unmet[key] = null;
        }
    }

    private void GiveUp(string key)
    {
        lock (_lock)
        {
            if (_unmet.ContainsKey(key))
            {
                _unmet[key] = time.GetTimestamp();
            }
        }
    }

    private bool IsTooLate(long? gaveUpAt) => gaveUpAt is { } timestamp && time.GetElapsedTime(timestamp) > Late;

    private static string Key(EndPoint endPoint) =>
        endPoint is IPEndPoint ip ? new IPEndPoint(ip.Address.MapToIPv6(), ip.Port).ToString() : endPoint.ToString()!;

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
            // While the port is still its own.
            if (Interlocked.Exchange(ref _key, null) is { } key)
            {
                probes.GiveUp(key);
            }

            base.Dispose(disposing);
        }
    }
}
