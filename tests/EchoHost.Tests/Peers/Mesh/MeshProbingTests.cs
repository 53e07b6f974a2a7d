using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using EchoHost.Endpoints;
using EchoHost.Identity;
using EchoHost.Peers;
using EchoHost.Peers.Mesh;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MeshService = EchoHost.Peers.Mesh.Mesh;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>The mesh follows its schedule, with a test clock and without a network.</summary>
public class MeshProbingTests
{
    private const int FirstPort = 1;

    private static readonly TimeSpan Step = TimeSpan.FromSeconds(0.5);

    [Fact]
    public async Task Each_peer_is_probed_again_and_again()
    {
        var connections = new FakeConnections();
        await using var mesh = await RunningMesh.StartAsync(connections, count: 20);
        await mesh.Time.PassUntilAsync(Step, () => mesh.Peers.All().All(peer => peer.ProbesOf(ProbeResult.Refused) >= 3), "each peer has its turns");
    }

    [Fact]
    public async Task Never_more_probes_are_under_way_than_there_may_be()
    {
        var connections = new FakeConnections { AreSilent = true };
        await using var mesh = await RunningMesh.StartAsync(connections, ProbeSchedule.MaxProbes + 100);
        await mesh.Time.PassUntilAsync(
            Step,
            () => connections.MaxAtOnce >= ProbeSchedule.MaxProbes && mesh.Peers.All().All(peer => peer.ProbesOf(ProbeResult.Timeout) >= 2),
            "all slots are taken, and each peer has its turns");
        Assert.Equal(ProbeSchedule.MaxProbes, connections.MaxAtOnce);
    }

    /// <summary>
    /// A connection that is aborted on this side fails with an <see cref="OperationCanceledException"/>, which must not
    /// stop the probing.
    /// </summary>
    [Fact]
    public async Task A_probe_that_looks_canceled_is_followed_by_the_next()
    {
        var connections = new FakeConnections { Failure = () => new ConnectionAbortedException("the loop has failed") };
        await using var mesh = await RunningMesh.StartAsync(connections, count: 1);
        await mesh.Time.PassUntilAsync(Step, () => connections.Attempts >= 4, "it is probed again");
        Assert.All(mesh.Failures, failure => Assert.IsType<ConnectionAbortedException>(failure));
        Assert.NotEmpty(mesh.Failures);
    }

    [Fact]
    public async Task A_peer_that_leaves_is_probed_no_more()
    {
        var connections = new FakeConnections { AreSilent = true };
        var resolver = new FakeResolver("127.0.0.2");
        await using var mesh = await RunningMesh.StartAsync(connections, count: 0, resolver);
        await mesh.Time.PassUntilAsync(Step, () => connections.AtOnce == 1, "it is probed");
        resolver.Answer("127.0.0.3");
        var asked = resolver.Asked;
        mesh.Time.Advance(RunningMesh.Interval);
        await Wait.UntilAsync(
            () => resolver.Asked > asked && connections.Attempts == 2 && connections.AtOnce == 1,
            "its probe has ended, and another peer's begun");
        Assert.Equal("127.0.0.3:1", Assert.Single(mesh.Peers.All()).Name);
        // Its turn comes no more; the other's probe still waits for an answer.
        asked = resolver.Asked;
        await mesh.Time.PassUntilAsync(Step, () => resolver.Asked >= asked + 3, "several intervals pass");
        Assert.Equal(2, connections.Attempts);
        Assert.Empty(mesh.Failures);
    }

    /// <summary>A mesh that uses only the test clock; the host that provides the other services uses its own.</summary>
    private sealed class RunningMesh : ILogger<MeshService>, IAsyncDisposable
    {
        private readonly ConcurrentQueue<Exception> _failures = new();
        private readonly EchoHostFixture _host;
        private readonly MeshService _mesh;

        private RunningMesh(EchoHostFixture host, FakeConnections connections, MeshOptions options, INameResolver resolver)
        {
            _host = host;
            var own = new OwnAddresses(host.Services.GetRequiredService<ListenEndpoints>(), host.Services.GetRequiredService<BoundEndpoints>());
            var names = new PeerNames(options, resolver, own, new Instance(), Time, NullLogger<MeshService>.Instance);
            var client = new PeerClient(connections, resolver, PeerLink.Default, Time);
            _mesh = new MeshService(options, Peers, names, client, ActivatorUtilities.CreateInstance<PeerMetrics>(host.Services, Peers), Time, this);
        }

        public static TimeSpan Interval { get; } = new MeshOptions().Interval;

        public FakeTimeProvider Time { get; } = new();

        public PeerList Peers { get; } = new();

        /// <summary>The unexpected exceptions of probes, which are not counted as results.</summary>
        public IReadOnlyCollection<Exception> Failures => _failures;

        /// <summary>
        /// Starts a mesh with <paramref name="count"/> targets, or with a name that the resolver has addresses for.
        /// </summary>
        public static async Task<RunningMesh> StartAsync(FakeConnections connections, int count, FakeResolver? resolver = null)
        {
            var options = new MeshOptions
            {
                Targets = [.. Enumerable.Range(FirstPort, count).Select(port => new PeerTarget("127.0.0.1", port, IsTls: false))],
                Names = resolver is null ? [] : [new PeerTarget("peers.example", FirstPort, IsTls: false)],
                // No probe ends before its peer has left.
                Timeout = resolver is null ? TimeSpan.FromSeconds(5) : TimeSpan.FromHours(1),
            };
            var mesh = new RunningMesh(await EchoHostFixture.StartAsync(), connections, options, resolver ?? new FakeResolver(addresses: []));
            await mesh._mesh.StartedAsync(CancellationToken.None);
            return mesh;
        }

        public async ValueTask DisposeAsync()
        {
            await _mesh.StopAsync(CancellationToken.None).WaitAsync(Wait.Limit);
            _mesh.Dispose();
            await _host.DisposeAsync();
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (exception is not null)
            {
                _failures.Enqueue(exception);
            }
        }
    }

    /// <summary>Connections to no peer: connecting fails at once, or never ends if the test says so.</summary>
    private sealed class FakeConnections : IConnectionFactory
    {
        private readonly Lock _lock = new();
        private int _attempts;
        private int _now;

        public bool AreSilent { get; init; }

        /// <summary>The exception of a failed connection.</summary>
        public Func<Exception> Failure { get; init; } = () => new SocketException((int)SocketError.ConnectionRefused);

        public int Attempts => Volatile.Read(ref _attempts);

        public int AtOnce => Volatile.Read(ref _now);

        public int MaxAtOnce { get; private set; }

        public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            if (((IPEndPoint)endpoint).Port > ProbeSchedule.MaxProbes + 100)
            {
                // The warmup's connection.
                throw new SocketException((int)SocketError.ConnectionRefused);
            }

            Interlocked.Increment(ref _attempts);
            if (!AreSilent)
            {
                throw Failure();
            }

            lock (_lock)
            {
                MaxAtOnce = Math.Max(MaxAtOnce, ++_now);
            }

            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
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
