using EchoHost.Peers;
using EchoHost.Peers.Load;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers.Load;

/// <summary>Load tests against peers of every kind: the counts, and that each test ends.</summary>
public abstract class LoadTestTests(string transport) : PeerTests(transport)
{
    private const int Size = 64;

    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(TestScale.Of(140, 3_000));

    private int _runs;

    [Theory]
    [InlineData(1, 64, 1)]
    [InlineData(10, 64, 1)]
    [InlineData(10, 1, 16)]
    [InlineData(3, 100_000, 2)]
    [InlineData(2, 1_048_576, 4)]
    public async Task A_closed_loop_loses_nothing(int connections, int size, int pipeline)
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        using var test = await RunAsync(Options(peer) with { Connections = connections, Size = size, Pipeline = pipeline });
        AssertSound(test);
        // A connection that sent nothing may be accepted after the test.
        await Wait.UntilAsync(() => peer.Accepted >= _runs * connections, "all are accepted");
        Assert.Equal((connections, _runs * connections), (test.Tally.Connections, peer.Accepted));
        // Timers may fire a little early.
        Assert.True(test.Elapsed >= 0.9 * Duration, $"{test.Elapsed}");
        await peer.ExpectNoConnectionAsync();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(3, 8)]
    public async Task An_open_loop_sends_exactly_what_is_due(int connections, int pipeline)
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        using var test = await RunAsync(Options(peer) with { Connections = connections, Pipeline = pipeline, Rate = 500 });
        AssertSound(test);
        Assert.Equal((long)(500 * Duration.TotalSeconds), test.Messages);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(200)]
    public async Task Each_message_may_have_a_connection_of_its_own(int? rate)
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        using var test = await RunAsync(Options(peer) with { Connections = 4, Rate = rate, Reconnects = true });
        AssertSound(test);
        Assert.Equal(test.Messages, test.Tally.Connections);
        Assert.Equal(test.Messages, peer.Accepted);
        Assert.True(rate is null || test.Messages == (long)(rate * Duration.TotalSeconds), $"{test.Messages}");
        await peer.ExpectNoConnectionAsync();
    }

    [Theory]
    [InlineData(4, 64, 1, null, false)]
    [InlineData(2, 100_000, 4, null, false)]
    [InlineData(2, 64, 4, 500, false)]
    [InlineData(2, 64, 1, null, true)]
    public async Task TLS_loses_nothing_either(int connections, int size, int pipeline, int? rate, bool reconnects)
    {
        using var certificate = new TestCertificate();
        await using var peer = OddPeer.StartTls(certificate, Odd.Honest);
        using var test = await RunAsync(
            Options(peer) with { Connections = connections, Size = size, Pipeline = pipeline, Rate = rate, Reconnects = reconnects },
            new PeerLink(Tls: new PeerTls(Authorities: [certificate.Certificate])));
        AssertSound(test);
    }

    [Fact]
    public async Task Byte_by_byte_is_no_failure()
    {
        await using var peer = OddPeer.Start(Odd.Dribbling);
        using var test = await RunAsync(Options(peer) with { Pipeline = 3 });
        AssertSound(test);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(63, false)]
    [InlineData(30, true)]
    public async Task A_changed_byte_is_a_mismatch(int index, bool reconnects)
    {
        await using var peer = OddPeer.Start(Odd.Changing(index, Size));
        using var test = await RunAsync(Options(peer) with { Reconnects = reconnects }, isDone: HasErrors);
        Assert.Equal(0, test.Messages);
        AssertOnly(test, ProbeResult.Mismatch);
        Assert.StartsWith("mismatch: ", test.Tally.FirstError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_byte_more_is_a_mismatch()
    {
        await using var peer = OddPeer.Start(Odd.Appending(Size));
        using var test = await RunAsync(Options(peer), isDone: HasErrors);
        AssertOnly(test, ProbeResult.Mismatch);
        // No other error: a message followed by an extra byte does not count as echoed.
        Assert.Equal(0, test.Messages);
    }

    [Fact]
    public async Task A_stale_answer_is_a_mismatch()
    {
        await using var peer = OddPeer.Start(Odd.Stale(Size));
        using var test = await RunAsync(Options(peer), isDone: test => test.Messages >= 2 && HasErrors(test));
        AssertOnly(test, ProbeResult.Mismatch);
        // The first answer of each connection was right; the last connections may not have received theirs.
        Assert.InRange(test.Messages, 2, test.Tally.Connections);
    }

    /// <summary>What a peer returns that reuses a buffer too early.</summary>
    [Fact]
    public async Task A_page_of_an_earlier_message_is_a_mismatch()
    {
        const int size = 16_384;
        const int page = 4096;
        await using var peer = OddPeer.Start(async connection =>
        {
            var before = await connection.ReadAsync(size);
            await connection.WriteAsync(before);
            var message = await connection.ReadAsync(size);
            before.AsSpan(page, page).CopyTo(message.AsSpan(page));
            await connection.WriteAsync(message);
            await connection.EchoAsync();
        });
        using var test = await RunAsync(Options(peer) with { Size = size, Pipeline = 4 }, isDone: HasErrors);
        AssertOnly(test, ProbeResult.Mismatch);
    }

    [Fact]
    public async Task Another_connections_answer_is_a_mismatch()
    {
        await using var peer = OddPeer.Start(Odd.Swapping(Size));
        using var test = await RunAsync(
            Options(peer) with { Connections = 2, Rate = 100, Timeout = TimeSpan.FromMilliseconds(500) },
            isDone: test => test.Tally.ErrorsOf(ProbeResult.Mismatch) > 0);
        Assert.True(test.Tally.ErrorsOf(ProbeResult.Mismatch) > 0, test.Tally.FirstError);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(100, false)]
    [InlineData(null, true)]
    [InlineData(100, true)]
    public async Task Silence_is_a_timeout_and_the_test_ends(int? rate, bool reconnects)
    {
        await using var peer = OddPeer.Start(Odd.Silent);
        // Messages time out during the test, and the last ones after its end. A connection that is not made in so short a
        // time is an additional error without a message.
        bool IsWhole(LoadTest test) => rate is null ? HasErrors(test) : test.Tally.Errors == (long)(rate * test.Options.Duration.TotalSeconds);
        using var test = await RunAsync(Options(peer) with { Rate = rate, Reconnects = reconnects, Timeout = TimeSpan.FromMilliseconds(70) }, isDone: IsWhole);
        Assert.InRange(test.Elapsed, 0.9 * Duration, Wait.Limit / 2);
        Assert.Equal(0, test.Messages);
        AssertOnly(test, ProbeResult.Timeout);
        Assert.True(IsWhole(test), $"{test.Tally.Errors} of what was due is missing");
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task A_peer_that_reads_nothing_is_a_timeout()
    {
        await using var peer = OddPeer.Start(Odd.Deaf);
        using var test = await RunAsync(Options(peer) with { Size = 1_000_000, Pipeline = 8, Timeout = TimeSpan.FromMilliseconds(70) }, isDone: HasErrors);
        AssertOnly(test, ProbeResult.Timeout);
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task Half_an_answer_is_a_timeout()
    {
        await using var peer = OddPeer.Start(Odd.SilentAfter(Size + 10));
        using var test = await RunAsync(
            Options(peer) with { Connections = 1, Duration = TimeSpan.FromMilliseconds(140), Timeout = TimeSpan.FromSeconds(1) },
            isDone: test => test is { Messages: 1, Tally.Errors: 1 });
        Assert.Equal((1, 1), (test.Messages, test.Tally.Errors));
        AssertOnly(test, ProbeResult.Timeout);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_peer_that_ends_is_connected_to_again(bool reconnects)
    {
        await using var peer = OddPeer.Start(Odd.EndingAfter(10));
        using var test = await RunAsync(
            Options(peer) with { Connections = 2, Reconnects = reconnects, Duration = TimeSpan.FromMilliseconds(500) },
            isDone: test => peer.Accepted > 2 && HasErrors(test));
        Assert.Equal(0, test.Messages);
        AssertOnly(test, ProbeResult.Closed);
        Assert.True(peer.Accepted > 2, $"{peer.Accepted}");
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task A_peer_that_ends_between_messages_loses_none_that_came_back()
    {
        await using var peer = OddPeer.Start(connection => connection.Number == 0 ? Odd.EndingAfter(10 * Size)(connection) : Odd.Honest(connection));
        using var test = await RunAsync(Options(peer) with { Connections = 1, Rate = 200, Duration = TimeSpan.FromMilliseconds(400) });
        AssertOnly(test, ProbeResult.Closed);
        // A close between two messages is an error too, although it loses no message.
        Assert.InRange(test.Messages, 79, 80);
        Assert.Equal(1, test.Tally.Errors);
        Assert.Equal(2, test.Tally.Connections);
    }

    [Fact]
    public async Task A_reset_is_one()
    {
        await using var peer = OddPeer.Start(Odd.ResettingAfter(10, Size));
        using var test = await RunAsync(Options(peer), isDone: HasErrors);
        AssertOnly(test, ProbeResult.Reset);
    }

    [Fact]
    public async Task Where_nobody_listens_there_is_nothing_to_measure()
    {
        using var bound = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.InterNetwork,
            System.Net.Sockets.SocketType.Stream,
            System.Net.Sockets.ProtocolType.Tcp);
        bound.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        var options = new LoadOptions(
            new PeerTarget("127.0.0.1", ((System.Net.IPEndPoint)bound.LocalEndPoint!).Port, false),
            4,
            Size,
            1,
            Duration,
            null,
            false,
            Ample);
        using var test = new LoadTest(options, Client());
        var failure = await Assert.ThrowsAsync<PeerException>(() => test.RunAsync(CancellationToken.None).WaitAsync(Wait.Limit));
        Assert.Equal(ProbeResult.Refused, failure.Result);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(100)]
    public async Task Who_stops_it_has_what_was_counted(int? rate)
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        using var test = new LoadTest(Options(peer) with { Rate = rate, Duration = TimeSpan.FromHours(1) }, Client());
        using var stop = new CancellationTokenSource();
        var running = test.RunAsync(stop.Token);
        await Wait.UntilAsync(() => test.Messages > 5, "messages came back");
        await stop.CancelAsync();
        await running.WaitAsync(Wait.Limit);
        AssertSound(test);
        Assert.True(test.Elapsed < Wait.Limit, $"{test.Elapsed}");
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task Who_stops_it_does_not_wait_for_a_silent_peer()
    {
        await using var peer = OddPeer.Start(Odd.SilentAfter(Size));
        using var test = new LoadTest(Options(peer) with { Connections = 1, Duration = TimeSpan.FromHours(1), Timeout = TimeSpan.FromHours(1) }, Client());
        using var stop = new CancellationTokenSource();
        var running = test.RunAsync(stop.Token);
        await Wait.UntilAsync(() => test.Messages == 1, "the first message came back");
        await stop.CancelAsync();
        await running.WaitAsync(Wait.Limit);
        // A message in flight counts neither as echoed nor as an error.
        Assert.Equal((1, 0), (test.Messages, test.Tally.Errors));
    }

    /// <summary>
    /// No coordinated omission: messages that were due while the peer stalled include the stall, although they were sent
    /// later.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_falls_due_while_the_peer_stalls_shows_it(bool reconnects)
    {
        // Most messages due outside the stall must find a machine that keeps up. If they do not, the next try has fewer
        // messages and a longer stall.
        (int Rate, TimeSpan Stall)[] tries =
            [(200, TimeSpan.FromMilliseconds(TestScale.Of(300, 1_000))), (50, TimeSpan.FromSeconds(1.2)), (12, TimeSpan.FromSeconds(5))];
        var (stall, stalled) = (TimeSpan.Zero, 0L);
        LoadTest? test = null;
        foreach (var (rate, time) in tries)
        {
            test?.Dispose();
            (stall, stalled) = (time, (long)(rate * time.TotalSeconds));
            var answered = 0;
            await using var peer = OddPeer.Start(async connection =>
            {
                while (true)
                {
                    var message = await connection.ReadAsync(Size);
                    if (Interlocked.Increment(ref answered) == stalled)
                    {
                        await Task.Delay(time, connection.Stop);
                    }

                    await connection.WriteAsync(message);
                }
            });
            test = await RunAsync(Options(peer) with { Connections = 1, Rate = rate, Duration = 3 * time, Reconnects = reconnects });
            if (test.Tally.Latency.Percentile(50) < stall.TotalMicroseconds / 2)
            {
                break;
            }
        }

        using var last = test!;
        AssertSound(last);
        var latency = last.Tally.Latency;
        Assert.Equal(3 * stalled, latency.Count);
        // Timers may fire a little early.
        Assert.True(latency.Max >= 0.95 * stall.TotalMicroseconds, $"max {latency.Max} µs");
        // A third of the messages fall due during the stall and wait half of it on average; p50 is from the others, on a
        // shared machine.
        Assert.True(
            latency.CountBetween(stall.TotalMicroseconds / 10, double.MaxValue) >= 0.8 * stalled,
            $"only {latency.CountBetween(stall.TotalMicroseconds / 10, double.MaxValue)} tell of it");
        Assert.True(latency.Percentile(90) > stall.TotalMicroseconds / 2, $"p90 {latency.Percentile(90)} µs");
        Assert.True(latency.Percentile(50) < stall.TotalMicroseconds / 2, $"p50 {latency.Percentile(50)} µs");
    }

    private static LoadOptions Options(OddPeer peer) =>
        new(peer.Target, Connections: 2, Size, Pipeline: 1, Duration, Rate: null, Reconnects: false, Timeout: Ample);

    /// <summary>
    /// Runs a test, and again with more time if a pause of the machine used it up: until <paramref name="isDone"/> accepts the
    /// result, or by default until a message was sent. The last test counts.
    /// </summary>
    private async Task<LoadTest> RunAsync(LoadOptions options, PeerLink? link = null, Predicate<LoadTest>? isDone = null)
    {
        isDone ??= test => test.Messages + test.Tally.Errors > 0;
        const int tries = 4;
        for (_runs = 1; ; _runs++)
        {
            var test = new LoadTest(options, Client(link));
            try
            {
                await test.RunAsync(CancellationToken.None).WaitAsync(Wait.Limit + options.Duration);
                if (isDone(test) || _runs == tries)
                {
                    return test;
                }
            }
            catch (PeerException e) when (e.Result == ProbeResult.Timeout && _runs < tries)
            {
                // Not even a connection in so short a time.
            }

            test.Dispose();
            options = options with { Duration = 4 * options.Duration, Timeout = 4 * options.Timeout };
        }
    }

    private static bool HasErrors(LoadTest test) => test.Tally.Errors > 0;

    private static void AssertSound(LoadTest test)
    {
        Assert.True(test.Tally.Errors == 0, test.Tally.FirstError);
        Assert.True(test.Messages > 0, "no message came back");
        Assert.Equal(test.Messages, test.Tally.Latency.Count);
    }

    private static void AssertOnly(LoadTest test, ProbeResult result) =>
        Assert.True(
            test.Tally.Errors > 0 && test.Tally.ErrorsByClass.All(error => error.Key == result),
            $"{string.Join(", ", test.Tally.ErrorsByClass)}; the first: {test.Tally.FirstError}");
}

public sealed class LoadTestTestsOnEpollLoops() : LoadTestTests(EpollLoop);

public sealed class LoadTestTestsOnSockets() : LoadTestTests(Sockets);
