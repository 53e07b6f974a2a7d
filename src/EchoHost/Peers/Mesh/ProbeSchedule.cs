namespace EchoHost.Peers.Mesh;

/// <summary>
/// Decides when each peer is probed. A peer has a place in the interval, and a turn there each time, give or take some
/// jitter; a new peer is looked at soon. Only so many are probed at once, and fewer of those that are down. It has no
/// clock, no task and no lock: it is told the time, and when a probe has ended.
/// </summary>
/// <param name="interval">How often each peer is probed.</param>
/// <param name="random">Where the first place is, and the jitter.</param>
internal sealed class ProbeSchedule(TimeSpan interval, Random random)
{
    /// <summary>How many probes are under way at most; should it be reached, probes come later.</summary>
    public const int MaxProbes = 256;

    /// <summary>How many of them are of peers that are down, which may take long: the others need not wait for them.</summary>
    public const int MaxProbesOfDown = MaxProbes * 3 / 4;

    /// <summary>A probe comes earlier or later by up to this share of the interval, so that hosts don't fall into step.</summary>
    private const double Jitter = 0.1;

    /// <summary>Each further peer's place in the interval is this much further on: however many there are, they are spread evenly.</summary>
    private const double GoldenRatio = 0.6180339887498949;

    /// <summary>New peers need not wait for their place; they are looked at one this much after the other.</summary>
    private static readonly TimeSpan FirstLooks = TimeSpan.FromMilliseconds(10);

    private readonly Dictionary<Peer, TimeSpan> _places = [];
    private readonly Dictionary<Peer, (TimeSpan Begun, DueQueue Queue)> _underWay = [];
    private readonly DueQueue _down = new(MaxProbesOfDown);
    private readonly DueQueue _others = new(MaxProbes);
    private double _lastPlace = random.NextDouble();

    /// <summary>When the next probe may begin; null where that is only known when one has ended, or a peer was added.</summary>
    public TimeSpan? Next => _underWay.Count < MaxProbes ? NextQueue.First : null;

    private DueQueue NextQueue => _others.First is null || _down.First < _others.First ? _down : _others;

    /// <summary>Peers are to be probed from now on.</summary>
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

    /// <summary>A peer is not to be probed any more. A probe of it that is under way still counts as one until its end.</summary>
    public void Remove(Peer peer)
    {
        _places.Remove(peer);
        _down.Remove(peer);
        _others.Remove(peer);
    }

    /// <summary>The peer whose probe begins now; null where none does, or none more.</summary>
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
    /// A probe has ended, and its peer's state is known. The next turn is one that comes half an interval or more after that
    /// probe began; those missed meanwhile are not made up for.
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

    /// <summary>The first turn at a place that does not come before <paramref name="earliest"/>.</summary>
    private TimeSpan TurnAt(TimeSpan place, TimeSpan earliest) => place + (interval * Math.Ceiling((earliest - place) / interval));

    /// <summary>Peers in the order in which they are due, of which a certain number may be probed at once.</summary>
    private sealed class DueQueue(int max)
    {
        private readonly PriorityQueue<Peer, TimeSpan> _peers = new();
        private int _underWay;

        /// <summary>When the first is due; null for none, or where it has to wait for another's end.</summary>
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
