using System.Net;
using System.Net.Sockets;
using EchoHost.Peers;
using EchoHost.Peers.Hold;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections.Features;

namespace EchoHost.Tests.Peers.Hold;

/// <summary>Silent connections against peers that end them in every way.</summary>
public abstract class HoldTestTests(string transport) : PeerTests(transport)
{
    private const int Size = HeldConnection.MessageBytes;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(30);

    [Fact]
    public async Task A_connection_that_answers_has_survived()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        var results = await HoldAsync(peer.Target, Moment, Moment * 3);
        // On a busy machine both may be known at the same moment.
        Assert.Equal([Moment, Moment * 3], results.Select(result => result.Idle).Order());
        Assert.All(results, result => Assert.Equal(HoldOutcome.Survived, result.Outcome));
        Assert.All(results, result => Assert.InRange(result.After!.Value, result.Idle, Wait.Limit));
        Assert.All(results, result => Assert.Equal(peer.EndPoint, result.Address));
    }

    [Fact]
    public async Task With_TLS_it_survives_too()
    {
        using var certificate = new TestCertificate();
        await using var peer = OddPeer.StartTls(certificate, Odd.Honest);
        var result = Assert.Single(await HoldAsync(peer.Target, new PeerLink(Tls: new PeerTls(IsInsecure: true)), Moment));
        Assert.Equal(HoldOutcome.Survived, result.Outcome);
    }

    [Theory]
    [InlineData(false, HoldOutcome.Closed)]
    [InlineData(true, HoldOutcome.Reset)]
    internal async Task An_end_in_the_silence_is_noticed_at_once(bool isReset, HoldOutcome outcome)
    {
        var end = new TaskCompletionSource();
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.EchoAsync(Size);
            await end.Task.WaitAsync(connection.Stop);
            await (isReset ? Odd.Resetting(connection) : connection.EndAsync());
        });
        var test = new HoldTest(Options(peer.Target, TimeSpan.FromHours(1), TimeSpan.FromHours(2)), Client());
        // Connections that are silent end at once; nothing waits for the hours.
        var results = await CollectAsync(test, end.SetResult).WaitAsync(Wait.Limit);
        Assert.Equal(2, results.Count);
        Assert.All(results, result => Assert.Equal((outcome, true), (result.Outcome, result.EndedInSilence)));
        Assert.All(results, result => Assert.InRange(result.After!.Value, TimeSpan.FromTicks(1), Wait.Limit));
    }

    [Fact]
    public async Task The_end_of_TLS_in_the_silence_is_noticed_too()
    {
        using var certificate = new TestCertificate();
        var end = new TaskCompletionSource();
        await using var peer = OddPeer.StartTls(certificate, async connection =>
        {
            await connection.EchoAsync(Size);
            await end.Task.WaitAsync(connection.Stop);
            await connection.EndAsync();
        });
        var test = new HoldTest(Options(peer.Target, TimeSpan.FromHours(1)), Client(new PeerLink(Tls: new PeerTls(IsInsecure: true))));
        var result = Assert.Single(await CollectAsync(test, end.SetResult).WaitAsync(Wait.Limit));
        Assert.Equal((HoldOutcome.Closed, true), (result.Outcome, result.EndedInSilence));
    }

    [Fact]
    public async Task A_reset_in_answer_to_the_message_is_no_end_in_the_silence()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.EchoAsync(Size);
            await connection.ReadAsync(Size);
            connection.Reset();
        });
        var result = Assert.Single(await HoldAsync(peer.Target, Moment));
        Assert.Equal((HoldOutcome.Reset, false), (result.Outcome, result.EndedInSilence));
        Assert.InRange(result.After!.Value, Moment, Wait.Limit);
    }

    [Fact]
    public async Task A_close_in_answer_to_the_message_is_no_end_in_the_silence()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.EchoAsync(Size);
            await connection.ReadAsync(Size);
            await connection.EndAsync();
        });
        var result = Assert.Single(await HoldAsync(peer.Target, Moment));
        Assert.Equal((HoldOutcome.Closed, false), (result.Outcome, result.EndedInSilence));
    }

    [Fact]
    public async Task A_message_that_is_not_answered_was_dropped()
    {
        await using var peer = OddPeer.Start(Odd.SilentAfter(Size));
        var result = await Wait.PatientlyAsync(
            Brief,
            async limit => Assert.Single(await HoldAsync(Options(peer.Target, Moment) with { Timeout = limit }, PeerLink.Default)),
            // The first message must be back within the same limit.
            result => result.Outcome == HoldOutcome.Dropped);
        Assert.Equal((HoldOutcome.Dropped, false), (result.Outcome, result.EndedInSilence));
        Assert.InRange(result.After!.Value, Moment, Wait.Limit);
    }

    [Fact]
    public async Task Unrequested_bytes_are_a_mismatch()
    {
        var begin = new TaskCompletionSource();
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.EchoAsync(Size);
            await begin.Task.WaitAsync(connection.Stop);
            await connection.WriteAsync("hello"u8.ToArray());
            await connection.EchoAsync();
        });
        var test = new HoldTest(Options(peer.Target, TimeSpan.FromHours(1)), Client());
        var result = Assert.Single(await CollectAsync(test, begin.SetResult).WaitAsync(Wait.Limit));
        Assert.Equal((HoldOutcome.Failed, "mismatch"), (result.Outcome, result.Label));
        Assert.StartsWith("bytes came although nothing was sent, after ", result.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal("hello"u8.ToArray(), result.Failure.Received.ToArray());
        Assert.False(result.IsMeasured);
    }

    [Fact]
    public async Task Where_the_first_message_fails_nothing_is_measured()
    {
        await using var peer = OddPeer.Start(Odd.Changing(3, Size));
        var wrong = Assert.Single(await HoldAsync(peer.Target, TimeSpan.FromHours(1)));
        Assert.Equal((HoldOutcome.Failed, "mismatch", (TimeSpan?)null, (EndPoint?)peer.EndPoint), (wrong.Outcome, wrong.Label, wrong.After, wrong.Address));
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var refused = Assert.Single(await HoldAsync(PeerTarget.At(bound.LocalEndPoint!, isTls: false, "127.0.0.1"), TimeSpan.FromHours(1)));
        Assert.Equal((HoldOutcome.Failed, "refused", null), (refused.Outcome, refused.Label, refused.Address));
    }

    [Fact]
    public async Task A_stop_lists_what_is_silent()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        using var stop = new CancellationTokenSource();
        var test = new HoldTest(Options(peer.Target, TimeSpan.FromHours(1), TimeSpan.FromHours(2)), Client());
        var results = await CollectAsync(
            test,
            () =>
            {
                Assert.Equal(2, test.Silences.Count());
                stop.Cancel();
            },
            stop.Token).WaitAsync(Wait.Limit);
        Assert.Equal([HoldOutcome.StillSilent, HoldOutcome.StillSilent], results.Select(result => result.Outcome));
        Assert.All(results, result => Assert.InRange(result.After!.Value, TimeSpan.FromTicks(1), Wait.Limit));
        Assert.Empty(test.Silences);
    }

    [Fact]
    public async Task A_stop_before_the_silence_has_no_result()
    {
        await using var peer = OddPeer.Start(Odd.Silent);
        using var stop = new CancellationTokenSource();
        var test = new HoldTest(Options(peer.Target, TimeSpan.FromHours(1)), Client());
        var collecting = CollectAsync(test, () => { }, stop.Token);
        await Wait.UntilAsync(() => test.Tally.Connections == 1, "it is connected");
        await stop.CancelAsync();
        Assert.Empty(await collecting.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task One_after_another_ends_at_the_first_that_does_not_survive()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.EchoAsync(connection.Number == 0 ? 2 * Size : Size);
            await connection.EndAsync();
        });
        var options = Options(peer.Target, Moment, TimeSpan.FromHours(1), TimeSpan.FromHours(2)) with { IsParallel = false };
        var test = new HoldTest(options, Client());
        var results = await CollectAsync(test, () => Assert.Equal(1, test.Tally.Connections)).WaitAsync(Wait.Limit);
        Assert.Equal([(Moment, HoldOutcome.Survived), (TimeSpan.FromHours(1), HoldOutcome.Closed)], results.Select(result => (result.Idle, result.Outcome)));
        Assert.Equal(2, peer.Accepted);
    }

    /// <summary>A failed connection says nothing about the silence, so the next one is tried.</summary>
    [Fact]
    public async Task One_after_another_goes_on_after_a_failure()
    {
        await using var peer = OddPeer.Start(connection => connection.Number == 0 ? Odd.Resetting(connection) : Odd.Honest(connection));
        var results = await HoldAsync(Options(peer.Target, Moment, Moment * 2) with { IsParallel = false }, PeerLink.Default);
        Assert.Equal([HoldOutcome.Failed, HoldOutcome.Survived], results.Select(result => result.Outcome));
    }

    /// <summary>Otherwise a path would not see silence.</summary>
    [Fact]
    public async Task The_connections_send_no_keep_alives()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        await using var connection = await Connections.ConnectAsync(peer.EndPoint);
        var socket = connection.Features.Get<IConnectionSocketFeature>()!.Socket;
        Assert.Equal(0, socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
    }

    private static HoldOptions Options(PeerTarget target, params TimeSpan[] idle) => new(target, idle, IsParallel: true, Ample);

    private static async Task<List<HoldResult>> CollectAsync(HoldTest test, Action onBegun, CancellationToken stop = default)
    {
        List<HoldResult> results = [];
        await foreach (var result in test.RunAsync(onBegun, stop))
        {
            results.Add(result);
        }

        return results;
    }

    private Task<List<HoldResult>> HoldAsync(PeerTarget target, params TimeSpan[] idle) => HoldAsync(target, PeerLink.Default, idle);

    private Task<List<HoldResult>> HoldAsync(PeerTarget target, PeerLink link, params TimeSpan[] idle) => HoldAsync(Options(target, idle), link);

    private Task<List<HoldResult>> HoldAsync(HoldOptions options, PeerLink link) =>
        CollectAsync(new HoldTest(options, Client(link)), () => { }).WaitAsync(Wait.Limit);
}

public sealed class HoldTestTestsOnEpoll() : HoldTestTests(Epoll);

public sealed class HoldTestTestsOnEpollLoop() : HoldTestTests(EpollLoop);

public sealed class HoldTestTestsOnSockets() : HoldTestTests(Sockets);
