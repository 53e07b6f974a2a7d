namespace EchoHost.Peers.Mesh;

/// <summary>A peer of the mesh, with the results of its probes.</summary>
internal sealed class Peer(PeerTarget target, PeerSource source)
{
    private readonly Lock _lock = new();
    private readonly long[] _results = new long[Enum.GetValues<ProbeResult>().Length];
    private readonly RecentRoundTrips _roundTrips = new();
    private readonly ProbeStrip _strip = new();
    private long _retransmits;
    private PeerState _state;
    private Probe _last;
    private DateTimeOffset? _lastAt;
    private DateTimeOffset _since;
    private bool _isGone;

    public PeerTarget Target { get; } = target;

    public PeerSource Source { get; } = source;

    public string Name { get; } = target.Name;

    /// <summary>The label of the peer's metrics.</summary>
    public KeyValuePair<string, object?> Tag { get; } = new("peer", target.Name);

    /// <summary>The state after the last probe.</summary>
    public PeerState State
    {
        get
        {
            lock (_lock)
            {
                return _state;
            }
        }
    }

    /// <summary>The number of probes with a result.</summary>
    public long ProbesOf(ProbeResult result) => Volatile.Read(ref _results[(int)result]);

    /// <summary>The number of segments that this machine retransmitted on the probes' connections.</summary>
    public long Retransmits => Volatile.Read(ref _retransmits);

    /// <summary>Counts a probe, unless the peer was forgotten meanwhile.</summary>
    /// <param name="probe">The probe.</param>
    /// <param name="now">When the probe ended.</param>
    /// <param name="onCounted">Called with the lock held, so that <see cref="Forget"/> waits for it.</param>
    /// <returns>The change of state; null if there is none.</returns>
    public PeerChange? Record(Probe probe, DateTimeOffset now, Action<Peer, Probe> onCounted)
    {
        lock (_lock)
        {
            if (_isGone)
            {
                return null;
            }

            Interlocked.Increment(ref _results[(int)probe.Result]);
            Interlocked.Add(ref _retransmits, probe.Retransmits);
            _strip.Add(probe.Result == ProbeResult.Ok ? probe.RoundTrip : null);
            if (probe.RoundTrip is { } roundTrip)
            {
                _roundTrips.Add(roundTrip);
            }

            var before = _state;
            var lastResult = _last.Result;
            var since = _since;
            _state = probe.Result == ProbeResult.Ok ? PeerState.Up : probe.IsTurnedAway ? PeerState.TurnsAway : PeerState.Down;
            _last = probe;
            _lastAt = now;
            onCounted(this, probe);
            if (_state == before && (_state != PeerState.Down || probe.Result == lastResult))
            {
                return null;
            }

            // An outage lasts from its first failure, even if the reason changes.
            _since = before is PeerState.Unknown or PeerState.Up || _state == PeerState.Up ? now : since;
            return new PeerChange(before, _state, now - since);
        }
    }

    /// <summary>Stops counting probes.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _isGone = true;
        }
    }

    /// <summary>The number of probes so far; it changes whenever anything about the peer does.</summary>
    public long Probes
    {
        get
        {
            lock (_lock)
            {
                return _strip.Probes;
            }
        }
    }

    /// <summary>A consistent snapshot of the peer, with the columns of its strip that changed.</summary>
    /// <param name="seen">The number of probes that are known already; 0 for the whole strip.</param>
    public PeerDescription Describe(long seen)
    {
        lock (_lock)
        {
            return Describe() with { Strip = _strip.DescribeSince(seen) };
        }
    }

    /// <summary>A consistent snapshot of the peer.</summary>
    public PeerDescription Describe()
    {
        lock (_lock)
        {
            var probes = _results.Sum();
            var lost = probes - _results[(int)ProbeResult.Ok];
            return new PeerDescription(
                Name,
                Source.ToString(),
                Target.IsTls,
                _state == PeerState.Up,
                _state.Label(),
                _lastAt is null ? null : _since.UtcDateTime,
                _lastAt is null ? null : _last.Result.Label(),
                _last.Error,
                _lastAt?.UtcDateTime,
                probes,
                lost,
                probes == 0 ? 0 : Math.Round(100.0 * lost / probes, 3),
                _roundTrips.Summarize());
        }
    }
}
