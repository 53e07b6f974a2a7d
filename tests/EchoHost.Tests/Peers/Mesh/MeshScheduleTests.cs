using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using EchoHost.Peers;
using EchoHost.Peers.Mesh;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>When probes come, by a clock of the test's own and without a network.</summary>
public class MeshScheduleTests
{
    private const int Many = 500;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Many_peers_are_spread_over_the_interval_and_each_has_its_turn()
    {
        var time = new FakeTime();
        var connections = new FakeConnections(time, _ => false);
        await using var host = await StartAsync(time, connections, Many);

        // First looks are done within the first interval, one after the other.
        time.Advance(Interval);
        Assert.Equal(Many, connections.ByPeer().Count);
        Assert.InRange(Busiest(connections.Times(), TimeSpan.FromMilliseconds(100)), 1, 30);

        // Then each comes once in each interval, give or take the jitter.
        time.Advance(9 * Interval);
        foreach (var (_, times) in connections.ByPeer())
        {
            Assert.InRange(times.Count, 8, 11);
            var gaps = times.Zip(times.Skip(1), (a, b) => (b - a) / Interval).ToArray();
            Assert.All(gaps.Skip(1), gap => Assert.InRange(gap, 0.79, 1.21));
            Assert.InRange(gaps[0], 0.39, 1.61);
        }

        // 50 a second on average: nowhere a burst, nowhere a gap.
        var steady = connections.Times().Where(t => t > 2 * Interval && t <= 9 * Interval).ToArray();
        Assert.InRange(steady.Length, 6.5 * Many, 7.5 * Many);
        Assert.InRange(Busiest(steady, TimeSpan.FromSeconds(1)), 50, 90);
        Assert.InRange(Busiest(steady, TimeSpan.FromMilliseconds(100)), 5, 25);
        Assert.True(steady.Order().Zip(steady.Order().Skip(1), (a, b) => b - a).Max() < TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public async Task However_early_or_late_a_probe_comes_the_next_keeps_its_place()
    {
        var time = new FakeTime();
        var connections = new FakeConnections(time, _ => false);
        await using var host = await StartAsync(time, connections, peers: 1);
        time.Advance(1000 * Interval);

        // Jitter does not add up: a thousand intervals are a thousand probes.
        Assert.InRange(connections.Times().Length, 998, 1002);
    }

    [Fact]
    public async Task Never_more_probes_are_under_way_than_there_may_be()
    {
        var time = new FakeTime();
        var connections = new FakeConnections(time, _ => true);
        await using var host = await StartAsync(time, connections, Many, "Peers:Timeout=00:00:10");
        var peers = host.Services.GetRequiredService<PeerList>().All().ToArray();

        // Each has to wait, but nobody for ever. A slot that is free is taken on another thread.
        await Wait.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(0.5));
                return peers.All(peer => peer.ProbesOf(ProbeResult.Timeout) >= 2);
            },
            "each peer has its turns");
        Assert.Equal(MeshSettings.MostProbes, connections.MostAtOnce);
    }

    [Fact]
    public async Task With_the_default_times_500_silent_peers_have_their_turns()
    {
        var time = new FakeTime();
        var connections = new FakeConnections(time, _ => true);
        await using var host = await StartAsync(time, connections, Many);
        time.Advance(10 * Interval);
        Assert.InRange(connections.MostAtOnce, 200, MeshSettings.MostProbes);
        Assert.All(connections.ByPeer(), peer => Assert.InRange(peer.Value.Count, 6, 11));

        // One that takes half the interval to fail, and waits for a slot now and then, misses hardly a turn.
        Assert.InRange(connections.Times().Length, 9 * Many, 10.5 * Many);
    }

    [Fact]
    public async Task A_slow_peer_delays_nobody_else()
    {
        var time = new FakeTime();
        var connections = new FakeConnections(time, peer => peer.Port % 2 == 0);
        await using var host = await StartAsync(time, connections, 20, "Peers:Timeout=00:01:00");
        time.Advance(12 * Interval);
        foreach (var (peer, times) in connections.ByPeer())
        {
            // The slow ones have a turn when the one before is over.
            Assert.InRange(times.Count, peer.Port % 2 == 0 ? 2 : 10, peer.Port % 2 == 0 ? 3 : 13);
        }
    }

    private static async Task<EchoHostFixture> StartAsync(FakeTime time, FakeConnections connections, int peers, params string[] settings)
    {
        // The host has some timers of its own.
        var others = new FakeTime();
        int own;
        await using (await EchoHostFixture.StartAsync(services => services.AddSingleton<TimeProvider>(others)))
        {
            own = others.Pending;
        }

        var host = await EchoHostFixture.StartAsync(
            services => services.AddSingleton<TimeProvider>(time).AddSingleton<IConnectionFactory>(connections),
            [.. MeshHost.Targets([.. Enumerable.Range(1, peers).Select(port => $"127.0.0.1:{port}")]), .. settings]);
        // Each peer waits for its first turn; from here on all is done on the test's thread.
        await Wait.UntilAsync(() => time.Pending >= own + peers, "each peer waits for its turn");
        return host;
    }

    /// <summary>How many there are in the busiest window.</summary>
    private static int Busiest(IReadOnlyCollection<TimeSpan> times, TimeSpan window)
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

    /// <summary>Nobody is there: connecting fails at once, or never ends where the test says so.</summary>
    private sealed class FakeConnections(FakeTime time, Func<IPEndPoint, bool> isSilent) : IConnectionFactory
    {
        private readonly ConcurrentQueue<(IPEndPoint Peer, TimeSpan At)> _attempts = new();
        private readonly Lock _lock = new();
        private int _now;

        public int MostAtOnce { get; private set; }

        public TimeSpan[] Times() => [.. _attempts.Select(a => a.At)];

        public Dictionary<IPEndPoint, List<TimeSpan>> ByPeer() => _attempts.GroupBy(a => a.Peer).ToDictionary(g => g.Key, g => g.Select(a => a.At).ToList());

        public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            var peer = (IPEndPoint)endpoint;
            _attempts.Enqueue((peer, time.Elapsed));
            if (!isSilent(peer))
            {
                throw new SocketException((int)SocketError.ConnectionRefused);
            }

            lock (_lock)
            {
                MostAtOnce = Math.Max(MostAtOnce, ++_now);
            }

            var silence = new TaskCompletionSource();
            using var over = cancellationToken.Register(() => silence.TrySetCanceled(cancellationToken));
            try
            {
                await silence.Task;
            }
            finally
            {
                lock (_lock)
                {
                    _now--;
                }
            }

            return null!;
        }
    }
}
