using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using EchoHost.Endpoints;
using EchoHost.Peers;
using EchoHost.Peers.Mesh;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MeshService = EchoHost.Peers.Mesh.Mesh;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>When probes come, by a clock of the test's own and without a network.</summary>
public class MeshScheduleTests
{
    private const int Many = 500;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Many_peers_are_spread_over_the_interval_and_each_has_its_turn()
    {
        var time = new SteppedTime();
        var connections = new FakeConnections(time, _ => false);
        await using var mesh = await RunningMesh.StartAsync(time, connections, Many);

        // First looks are done within the first interval, one after the other.
        time.Pass(Interval);
        Assert.Equal(Many, connections.ByPeer().Count);
        Assert.InRange(Busiest(connections.Times(), TimeSpan.FromMilliseconds(100)), 1, 30);

        // Then each comes once in each interval, give or take the jitter.
        time.Pass(9 * Interval);
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
        var time = new SteppedTime();
        var connections = new FakeConnections(time, _ => false);
        await using var mesh = await RunningMesh.StartAsync(time, connections, count: 1);
        time.Pass(1000 * Interval);

        // Jitter does not add up: a thousand intervals are a thousand probes.
        Assert.InRange(connections.Times().Length, 998, 1002);
    }

    [Fact]
    public async Task Never_more_probes_are_under_way_than_there_may_be()
    {
        var time = new SteppedTime();
        var connections = new FakeConnections(time, _ => true);
        await using var mesh = await RunningMesh.StartAsync(time, connections, Many, timeoutSeconds: 10);
        var peers = mesh.Peers.All().ToArray();

        // Each has to wait, but nobody for ever. A slot that is free is taken on another thread.
        await Wait.UntilAsync(
            () =>
            {
                time.Pass(TimeSpan.FromSeconds(0.5));
                return peers.All(peer => peer.ProbesOf(ProbeResult.Timeout) >= 2);
            },
            "each peer has its turns");
        Assert.Equal(MeshOptions.MaxProbes, connections.MaxAtOnce);
    }

    [Fact]
    public async Task A_probe_that_takes_half_the_interval_to_fail_misses_no_turn()
    {
        var time = new SteppedTime();
        var connections = new FakeConnections(time, _ => true);
        // No more than may be under way at once, with the default times.
        await using var mesh = await RunningMesh.StartAsync(time, connections, MeshOptions.MaxProbes);
        time.Pass(10 * Interval);
        Assert.All(connections.ByPeer(), peer => Assert.InRange(peer.Value.Count, 9, 11));
    }

    [Fact]
    public async Task A_slow_peer_delays_nobody_else()
    {
        var time = new SteppedTime();
        var connections = new FakeConnections(time, peer => peer.Port % 2 == 0);
        await using var mesh = await RunningMesh.StartAsync(time, connections, 20, timeoutSeconds: 60);
        time.Pass(12 * Interval);
        foreach (var (peer, times) in connections.ByPeer())
        {
            // The slow ones have a turn when the one before is over.
            Assert.InRange(times.Count, peer.Port % 2 == 0 ? 2 : 10, peer.Port % 2 == 0 ? 3 : 13);
        }
    }

    /// <summary>A connection that this machine aborts fails as an <see cref="OperationCanceledException"/>; that is no reason to stop probing.</summary>
    [Fact]
    public async Task A_probe_that_looks_canceled_is_followed_by_the_next()
    {
        var time = new SteppedTime();
        var connections = new FakeConnections(time, _ => false) { Failure = () => new ConnectionAbortedException("the loop has failed") };
        await using var mesh = await RunningMesh.StartAsync(time, connections, count: 1);
        time.Pass(5 * Interval);
        Assert.InRange(connections.Times().Length, 4, 6);
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

    /// <summary>A mesh whose only clock is the test's: the host that lends it the rest runs by its own.</summary>
    private sealed class RunningMesh(EchoHostFixture host, MeshService mesh, PeerList peers) : IAsyncDisposable
    {
        /// <summary>A silent peer's probe has a limit, and its address a share of that.</summary>
        private const int TimersOfProbe = 2;

        public PeerList Peers { get; } = peers;

        public static async Task<RunningMesh> StartAsync(SteppedTime time, FakeConnections connections, int count, double timeoutSeconds = 5)
        {
            var host = await EchoHostFixture.StartAsync();
            var options = new MeshOptions
            {
                Targets = [.. Enumerable.Range(1, count).Select(port => new PeerTarget("127.0.0.1", port, IsTls: false))],
                Timeout = TimeSpan.FromSeconds(timeoutSeconds),
            };
            var own = new OwnAddresses(host.Services.GetRequiredService<ListenEndpoints>(), host.Services.GetRequiredService<BoundEndpoints>());
            var peers = new PeerList();
            var failures = new Failures();
            var resolver = new FakeResolver(addresses: []);
            var names = new PeerNames(options, resolver, own, time, NullLogger<MeshService>.Instance);
            var client = new PeerClient(connections, resolver, PeerLink.Default, time);
            var mesh = new MeshService(options, peers, names, client, ActivatorUtilities.CreateInstance<PeerMetrics>(host.Services, peers), time, failures);
            await mesh.StartedAsync(CancellationToken.None);
            // The first is probed at once, the others wait for their turn; from here on all is done on the test's thread.
            var timers = count - 1 + (connections.FirstIsSilent ? TimersOfProbe : 1);
            // A probe has a timer of its own, so that the first must be over before timers tell.
            bool IsFirstOver() => connections.FirstIsSilent || (connections.IsRefused ? peers.All().Any(peer => peer.ProbesOf(ProbeResult.Refused) > 0) : failures.IsTold);
            await Wait.UntilAsync(() => IsFirstOver() && time.Pending >= timers, "each peer waits for its turn");
            return new RunningMesh(host, mesh, peers);
        }

        public async ValueTask DisposeAsync()
        {
            await mesh.StopAsync(CancellationToken.None).WaitAsync(Wait.Limit);
            mesh.Dispose();
            await host.DisposeAsync();
        }
    }

    /// <summary>Hears of probes that failed in a way that is not counted.</summary>
    private sealed class Failures : ILogger<MeshService>
    {
        private volatile bool _isTold;

        public bool IsTold => _isTold;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _isTold |= exception is not null;
    }

    /// <summary>Nobody is there: connecting fails at once, or never ends where the test says so.</summary>
    private sealed class FakeConnections(SteppedTime time, Func<IPEndPoint, bool> isSilent) : IConnectionFactory
    {
        private readonly ConcurrentQueue<(IPEndPoint Peer, TimeSpan At)> _attempts = new();
        private readonly Lock _lock = new();
        private int _now;

        public int MaxAtOnce { get; private set; }

        /// <summary>How connecting fails where it does.</summary>
        public Func<Exception> Failure { get; init; } = () => new SocketException((int)SocketError.ConnectionRefused);

        /// <summary>Whether that is a refusal, which is counted.</summary>
        public bool IsRefused => Failure() is SocketException;

        public bool FirstIsSilent => isSilent(new IPEndPoint(IPAddress.Loopback, 1));

        public TimeSpan[] Times() => [.. _attempts.Select(a => a.At)];

        public Dictionary<IPEndPoint, List<TimeSpan>> ByPeer() => _attempts.GroupBy(a => a.Peer).ToDictionary(g => g.Key, g => g.Select(a => a.At).ToList());

        public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            var peer = (IPEndPoint)endpoint;
            if (peer.Port > Many)
            {
                // The warmup's.
                throw new SocketException((int)SocketError.ConnectionRefused);
            }

            _attempts.Enqueue((peer, time.Elapsed));
            if (!isSilent(peer))
            {
                throw Failure();
            }

            lock (_lock)
            {
                MaxAtOnce = Math.Max(MaxAtOnce, ++_now);
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
