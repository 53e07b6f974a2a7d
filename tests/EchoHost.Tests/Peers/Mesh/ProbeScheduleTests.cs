using System.Net;
using EchoHost.Peers;
using EchoHost.Peers.Mesh;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>The times of probes, over hours of simulated time.</summary>
public class ProbeScheduleTests
{
    private const int Many = 500;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Many_peers_are_spread_over_the_interval_and_each_has_its_turn(int seed)
    {
        var mesh = new Simulation(seed);
        mesh.Add(Many);

        // All peers are probed once within the first interval, one after the other.
        mesh.Pass(Interval);
        Assert.Equal(Many, mesh.ByPeer().Count());
        Assert.InRange(Busiest(mesh.Times(), TimeSpan.FromMilliseconds(100)), 1, 30);

        // After that, each is probed once per interval, within the jitter.
        mesh.Pass(9 * Interval);
        foreach (var peer in mesh.ByPeer())
        {
            Assert.InRange(peer.Count(), 8, 11);
            var gaps = peer.Zip(peer.Skip(1), (a, b) => (b - a) / Interval).ToArray();
            Assert.InRange(gaps[0], 0.39, 1.61);
            Assert.All(gaps.Skip(1), gap => Assert.InRange(gap, 0.79, 1.21));
        }

        // 50 a second on average, without a burst or a gap.
        var steady = mesh.Times().Where(t => t > 2 * Interval && t <= 9 * Interval).ToArray();
        Assert.InRange(steady.Length, 6.5 * Many, 7.5 * Many);
        Assert.InRange(Busiest(steady, TimeSpan.FromSeconds(1)), 50, 90);
        Assert.InRange(Busiest(steady, TimeSpan.FromMilliseconds(100)), 5, 25);
        Assert.True(steady.Zip(steady.Skip(1), (a, b) => b - a).Max() < TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public void Jitter_does_not_add_up()
    {
        var mesh = new Simulation();
        mesh.Add(1);
        mesh.Pass(1000 * Interval);
        Assert.InRange(mesh.Times().Count, 998, 1002);
        Assert.NotEqual(Interval, mesh.Times()[^1] - mesh.Times()[^2]);
    }

    [Fact]
    public void Peers_that_join_later_are_looked_at_soon_one_after_the_other()
    {
        var mesh = new Simulation();
        mesh.Add(3);
        mesh.Pass(2.5 * Interval);
        var joined = mesh.Add(50);
        mesh.Pass(TimeSpan.FromSeconds(0.5));
        var first = mesh.ByPeer().Where(peer => joined.Contains(peer.Key)).Select(peer => peer.First() - (2.5 * Interval)).ToArray();
        Assert.Equal(50, first.Length);
        Assert.All(first, (at, i) => Assert.InRange(at, TimeSpan.Zero, TimeSpan.FromMilliseconds(10 * i)));
        Assert.Equal(TimeSpan.Zero, first[0]);
        Assert.InRange(Busiest(first, TimeSpan.FromMilliseconds(100)), 1, 20);
    }

    [Fact]
    public void Never_more_probes_are_under_way_than_there_may_be()
    {
        var mesh = new Simulation();
        mesh.AddSilent(Many, TimeSpan.FromSeconds(10));
        mesh.Pass(10 * Interval);

        // Each has to wait, but none for ever.
        Assert.Equal(ProbeSchedule.MaxProbes, mesh.MaxAtOnce);
        Assert.All(mesh.ByPeer(), peer => Assert.InRange(peer.Count(), 3, 5));
    }

    [Fact]
    public void Peers_that_are_down_leave_room_for_the_others()
    {
        var mesh = new Simulation();
        mesh.AddSilent(ProbeSchedule.MaxProbesOfDown + 100, TimeSpan.FromSeconds(1));
        mesh.Pass(Interval);
        mesh.SilentFor = 100 * Interval;
        mesh.Pass(2 * Interval);
        Assert.Equal(ProbeSchedule.MaxProbesOfDown, mesh.UnderWay);

        var good = mesh.Add(10);
        mesh.Pass(5 * Interval);
        Assert.Equal(ProbeSchedule.MaxProbesOfDown, mesh.UnderWay);
        var turns = mesh.ByPeer().Where(peer => good.Contains(peer.Key)).Select(peer => peer.Count()).ToArray();
        Assert.Equal(10, turns.Length);
        Assert.All(turns, count => Assert.InRange(count, 4, 7));
    }

    [Fact]
    public void A_probe_that_takes_half_the_interval_to_fail_misses_no_turn()
    {
        var mesh = new Simulation();
        // As many as may run at once with the default times.
        mesh.AddSilent(ProbeSchedule.MaxProbes, Interval / 2);
        mesh.Pass(10 * Interval);
        Assert.All(mesh.ByPeer(), peer => Assert.InRange(peer.Count(), 9, 11));
    }

    [Fact]
    public void Turns_that_a_long_probe_misses_are_not_made_up_for()
    {
        var mesh = new Simulation();
        mesh.AddSilent(1, 6 * Interval);
        var good = mesh.Add(10);
        mesh.Pass(12 * Interval);
        foreach (var peer in mesh.ByPeer())
        {
            Assert.InRange(peer.Count(), good.Contains(peer.Key) ? 11 : 2, good.Contains(peer.Key) ? 13 : 3);
        }
    }

    [Fact]
    public void A_peer_that_was_removed_has_no_turn_any_more()
    {
        var mesh = new Simulation();
        var peers = mesh.Add(5);
        mesh.Pass(2 * Interval);
        mesh.Schedule.Remove(peers[0]);
        var probes = mesh.Times().Count;
        mesh.Pass(2 * Interval);
        Assert.DoesNotContain(mesh.Begun.Skip(probes), probe => probe.Peer == peers[0]);
        Assert.Contains(mesh.Begun.Skip(probes), probe => probe.Peer == peers[1]);
    }

    [Fact]
    public void A_peer_that_is_removed_while_it_is_probed_gives_its_slot_back()
    {
        var mesh = new Simulation();
        var peers = mesh.AddSilent(ProbeSchedule.MaxProbes + 1, Interval);
        mesh.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal(ProbeSchedule.MaxProbes, mesh.UnderWay);
        Assert.Null(mesh.Schedule.Next);
        var (first, last) = (mesh.Begun[0].Peer, peers.Single(peer => mesh.Begun.All(probe => probe.Peer != peer)));
        mesh.Schedule.Remove(first);
        Assert.Null(mesh.Schedule.Begin(mesh.Now));
        mesh.Schedule.End(first, mesh.Now);
        Assert.InRange(mesh.Schedule.Next!.Value, TimeSpan.Zero, mesh.Now);
        Assert.Same(last, mesh.Schedule.Begin(mesh.Now));
        Assert.Null(mesh.Schedule.Begin(1000 * Interval));
    }

    [Fact]
    public void Without_peers_there_is_nothing_to_look_for()
    {
        var mesh = new Simulation();
        Assert.Null(mesh.Schedule.Next);
        Assert.Null(mesh.Schedule.Begin(Interval));
        var peer = mesh.Add(1)[0];
        Assert.Equal(TimeSpan.Zero, mesh.Schedule.Next);
        mesh.Schedule.Remove(peer);
        Assert.Null(mesh.Schedule.Next);
    }

    /// <summary>The number of probes in the busiest window.</summary>
    private static int Busiest(IReadOnlyList<TimeSpan> times, TimeSpan window)
    {
        var sorted = times.Order().ToArray();
        var most = 0;
        for (int first = 0, last = 0; last < sorted.Length; last++)
        {
            while (sorted[last] - sorted[first] >= window)
            {
                first++;
            }

            most = Math.Max(most, last - first + 1);
        }

        return most;
    }

    /// <summary>Runs the schedule: probes of good peers take no time, those of silent ones as long as the test says.</summary>
    private sealed class Simulation(int seed = 1)
    {
        private static readonly Probe Ok = Probe.Answered(TimeSpan.FromMilliseconds(1));
        private static readonly Probe Lost = Probe.Failed(new PeerException(ProbeResult.Timeout, "no answer"));

        private readonly HashSet<Peer> _silent = [];
        private readonly PriorityQueue<Peer, TimeSpan> _ends = new();
        private int _peers;

        public ProbeSchedule Schedule { get; } = new(Interval, new Random(seed));

        public TimeSpan Now { get; private set; }

        public TimeSpan SilentFor { get; set; }

        public List<(Peer Peer, TimeSpan At)> Begun { get; } = [];

        public int UnderWay => _ends.Count;

        public int MaxAtOnce { get; private set; }

        public IReadOnlyList<TimeSpan> Times() => [.. Begun.Select(probe => probe.At)];

        public IEnumerable<IGrouping<Peer, TimeSpan>> ByPeer() => Begun.GroupBy(probe => probe.Peer, probe => probe.At);

        public Peer[] Add(int count)
        {
            Peer[] peers =
                [.. Enumerable.Range(1, count).Select(_ => new Peer(new PeerTarget(IPAddress.Loopback.ToString(), ++_peers, false), PeerSource.Targets))];
            Schedule.Add(peers, Now);
            return peers;
        }

        public Peer[] AddSilent(int count, TimeSpan time)
        {
            SilentFor = time;
            var peers = Add(count);
            _silent.UnionWith(peers);
            return peers;
        }

        public void Pass(TimeSpan time)
        {
            for (var end = Now + time; ;)
            {
                while (_ends.TryPeek(out var peer, out var over) && over <= Now)
                {
                    _ends.Dequeue();
                    peer.Record(_silent.Contains(peer) ? Lost : Ok, DateTimeOffset.UnixEpoch + Now, (_, _) => { });
                    Schedule.End(peer, Now);
                }

                while (Schedule.Begin(Now) is { } peer)
                {
                    Begun.Add((peer, Now));
                    _ends.Enqueue(peer, _silent.Contains(peer) ? Now + SilentFor : Now);
                }

                MaxAtOnce = Math.Max(MaxAtOnce, UnderWay);
                var next = _ends.TryPeek(out _, out var ends) ? ends : end;
                next = Schedule.Next is { } due && due < next ? due : next;
                if (next >= end)
                {
                    Now = end;
                    return;
                }

                Now = next;
            }
        }
    }
}
