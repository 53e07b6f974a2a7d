namespace EchoHost.Peers.Mesh;

/// <summary>
/// Decides when to probe each peer. Each peer has a place in the interval, and a probe there in every interval, plus or minus
/// some jitter. The first probe of a new peer comes soon. The number of concurrent probes is limited, with a lower limit for
/// peers that are down. This class has no clock, task or lock: the caller passes the time and reports the end of each probe.
/// </summary>
/// <param name="interval">The interval between probes of a peer.</param>
/// <param name="random">Chooses the first place, and the jitter.</param>
internal sealed class ProbeSchedule(TimeSpan interval, Random random)
{
    /// <summary>The maximum number of concurrent probes; further ones wait.</summary>
    public const int MaxProbes = 256;

    /// <summary>The maximum number of concurrent probes of peers that are down. They may take long; others don't wait for them.</summary>
    public const int MaxProbesOfDown = MaxProbes * 3 / 4;

    /// <summary>The maximum jitter, as a share of the interval. It keeps hosts from probing in step.</summary>
    private const double Jitter = 0.1;

    /// <summary>The distance between the places of successive peers, as a share of the interval. It spreads any number of peers evenly.</summary>
    private const double GoldenRatio = 0.6180339887498949;

    /// <summary>The interval between the first probes of new peers, which don't wait for their place.</summary>
    private static readonly TimeSpan FirstLooks = TimeSpan.FromMilliseconds(10);

    private readonly Dictionary<Peer, TimeSpan> _places = [];
    private readonly Dictionary<Peer, (TimeSpan Begun, DueQueue Queue)> _underWay = [];
    private readonly DueQueue _down = new(MaxProbesOfDown);
    private readonly DueQueue _others = new(MaxProbes);
    private double _lastPlace = random.NextDouble();

    /// <summary>When the next probe may begin; null if it has to wait for the end of a probe or for a new peer.</summary>
    public TimeSpan? Next => _underWay.Count < MaxProbes ? NextQueue.First : null;

    private DueQueue NextQueue => _others.First is null || _down.First < _others.First ? _down : _others;

    /// <summary>Adds peers to the schedule.</summary>
    public void Add(IReadOnlyList<Peer> peers, TimeSpan now)
    {
        for (var i = 0; i < peers.Count; i++)
        {
            _lastPlace = (_lastPlace + GoldenRatio) % 1;
            var place = _places[peers[i]] = interval * _lastPlace;
            var (look, turn) = (now + (FirstLooks * i), TurnAt(place, now));
            Plan(peers[i], look < turn ? look : turn);
        }
    }

    /// <summary>Removes a peer from the schedule. Its probe under way counts towards the limits until it ends.</summary>
    public void Remove(Peer peer)
    {
        _places.Remove(peer);
        _down.Remove(peer);
        _others.Remove(peer);
    }

    /// <summary>Begins the next probe that is due, and returns its peer; null if there is none.</summary>
    public Peer? Begin(TimeSpan now)
    {
        if (Next is not { } due || due > now)
        {
            return null;
        }

        var queue = NextQueue;
        var peer = queue.Begin();
        _underWay.Add(peer, (now, queue));
        return peer;
    }

    /// <summary>
    /// Ends a probe, after its peer's state was updated. The next probe comes at the first turn that is at least half an
    /// interval after this probe began; missed turns are skipped.
    /// </summary>
    public void End(Peer peer, TimeSpan now)
    {
        _underWay.Remove(peer, out var probe);
        probe.Queue.End();
        if (_places.TryGetValue(peer, out var place))
        {
            var half = probe.Begun + (interval / 2);
            Plan(peer, TurnAt(place, half > now ? half : now) + (interval * Jitter * ((2 * random.NextDouble()) - 1)));
        }
    }

    private void Plan(Peer peer, TimeSpan due) => (peer.State == PeerState.Down ? _down : _others).Add(peer, due);

    /// <summary>The first turn of a place that is not before <paramref name="earliest"/>.</summary>
    private TimeSpan TurnAt(TimeSpan place, TimeSpan earliest) => place + (interval * Math.Ceiling((earliest - place) / interval));

    /// <summary>Peers in the order in which they are due, with a maximum number of concurrent probes.</summary>
    private sealed class DueQueue(int max)
    {
        private readonly PriorityQueue<Peer, TimeSpan> _peers = new();
        private int _underWay;

        /// <summary>When the first peer is due; null if there is none, or if the maximum is reached.</summary>
        public TimeSpan? First => _underWay < max && _peers.TryPeek(out _, out var due) ? due : null;

        public void Add(Peer peer, TimeSpan due) => _peers.Enqueue(peer, due);

        public void Remove(Peer peer) => _peers.Remove(peer, out _, out _);

        public Peer Begin()
        {
            _underWay++;
            return _peers.Dequeue();
        }

        public void End() => _underWay--;
    }
}
