using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using EchoHost.Metrics;
using EchoHost.Peers;
using EchoHost.Peers.Mesh;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Peers;

/// <summary>Connections and messages to peers of every kind, over real sockets.</summary>
public abstract class PeerClientTests(string transport) : PeerTests(transport)
{
    private const int Size = 64;

    /// <summary>A time in an error message.</summary>
    private const string Time = "[0-9]+(\\.[0-9])? m?s";

    private static readonly PeerTarget Unresolved = new("echo.example", 5555, false);

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(64)]
    [InlineData(65_536)]
    [InlineData(3_000_001)]
    public async Task Every_byte_comes_back(int size)
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        await using var connection = await ConnectAsync(peer.Target);
        for (var i = 0; i < 3; i++)
        {
            var times = await EchoAsync(connection, UniquePayload.Bytes(size));
            Assert.True(times.FirstAnswer > TimeSpan.Zero);
            Assert.True(times.RoundTrip >= times.FirstAnswer);
        }

        Assert.Equal(1, peer.Accepted);
    }

    [Fact]
    public async Task A_connection_tells_how_it_was_made()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        await using var connection = await ConnectAsync(peer.Named("echo.example"));
        Assert.Equal(peer.EndPoint, connection.RemoteEndPoint);
        Assert.Null(connection.Tls);
        Assert.True(connection.Phases.Connect > TimeSpan.Zero);
        Assert.True(connection.Phases.Resolve > TimeSpan.Zero);
        Assert.Null(connection.Phases.Proxy);
        Assert.Null(connection.Phases.Tls);
    }

    [Fact]
    public async Task IPv6_is_connected_to_as_well()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "this system has no IPv6");
        await using var peer = OddPeer.Start(Odd.Honest, IPAddress.IPv6Loopback);
        await using var connection = await ConnectAsync(peer.Target);
        await EchoAsync(connection, UniquePayload.Bytes(Size));
        Assert.Equal(peer.EndPoint, connection.RemoteEndPoint);
    }

    [Fact]
    public async Task Many_connect_at_once()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        var client = Client();
        var probes = await Task.WhenAll(
            Enumerable.Range(0, 200).Select(_ => client.ProbeAsync(peer.Target, Size, Ample, CancellationToken.None))).WaitAsync(Wait.Limit);
        Assert.All(
            probes,
            probe => Assert.Equal((ProbeResult.Ok, null, true, false), (probe.Result, probe.Error, probe.RoundTrip > TimeSpan.Zero, probe.IsTurnedAway)));
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task Byte_by_byte_is_no_failure()
    {
        await using var peer = OddPeer.Start(Odd.Dribbling);
        await using var connection = await ConnectAsync(peer.Target);
        await EchoAsync(connection, UniquePayload.Bytes(300));
        await EchoAsync(connection, UniquePayload.Bytes(300));
    }

    [Theory]
    [InlineData(0, "byte 1 of 64 came back different")]
    [InlineData(31, "byte 32 of 64 came back different")]
    [InlineData(63, "byte 64 of 64 came back different")]
    public async Task A_changed_byte_is_a_mismatch_wherever_it_is(int index, string error)
    {
        await using var peer = OddPeer.Start(Odd.Changing(index, Size));
        await using var connection = await ConnectAsync(peer.Target);
        var message = UniquePayload.Bytes(Size);
        var failure = await FailAsync(connection, message);
        Assert.Equal((ProbeResult.Mismatch, error), (failure.Result, failure.Message));
        message[index] ^= 0x01;
        Bytes.AssertSame(message, failure.Received.Span);
        await peer.ExpectNoConnectionAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_000_000)]
    [InlineData(2_999_999)]
    public async Task A_changed_byte_of_a_long_message_is_seen_too(int index)
    {
        await using var peer = OddPeer.Start(Odd.Changing(index, 3_000_000));
        await using var connection = await ConnectAsync(peer.Target);
        var failure = await FailAsync(connection, UniquePayload.Bytes(3_000_000));
        Assert.Equal((ProbeResult.Mismatch, $"byte {index + 1} of 3000000 came back different"), (failure.Result, failure.Message));
    }

    [Fact]
    public async Task A_byte_more_is_a_mismatch()
    {
        await using var peer = OddPeer.Start(Odd.Appending(Size));
        await using var connection = await ConnectAsync(peer.Target);
        var failure = await FailAsync(connection, UniquePayload.Bytes(Size));
        Assert.Equal((ProbeResult.Mismatch, "more came back than the 64 bytes that were sent"), (failure.Result, failure.Message));
        Assert.Equal(Size + 1, failure.Received.Length);
    }

    [Fact]
    public async Task A_byte_more_that_comes_late_is_the_next_messages_mismatch()
    {
        var isTaken = new TaskCompletionSource();
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync(await connection.ReadAsync(Size));
            await isTaken.Task.WaitAsync(connection.Stop);
            await connection.WriteAsync((byte[])[.. "\0"u8]);
            await connection.EchoAsync();
        });
        await using var connection = await ConnectAsync(peer.Target);
        await EchoAsync(connection, UniquePayload.Text(Size));
        isTaken.SetResult();
        var failure = await FailAsync(connection, UniquePayload.Text(Size));
        Assert.Equal((ProbeResult.Mismatch, "byte 1 of 64 came back different"), (failure.Result, failure.Message));
    }

    [Fact]
    public async Task A_stale_answer_is_a_mismatch()
    {
        await using var peer = OddPeer.Start(Odd.Stale(Size));
        await using var connection = await ConnectAsync(peer.Target);
        await EchoAsync(connection, UniquePayload.Bytes(Size));
        Assert.Equal(ProbeResult.Mismatch, (await FailAsync(connection, UniquePayload.Bytes(Size))).Result);
    }

    [Fact]
    public async Task Another_connections_answer_is_a_mismatch()
    {
        await using var peer = OddPeer.Start(Odd.Swapping(Size));
        var client = Client();
        var probes = await Task.WhenAll(
            client.ProbeAsync(peer.Target, Size, Ample, CancellationToken.None),
            client.ProbeAsync(peer.Target, Size, Ample, CancellationToken.None)).WaitAsync(Wait.Limit);
        Assert.All(probes, probe => Assert.Equal((ProbeResult.Mismatch, null), (probe.Result, probe.RoundTrip)));
    }

    [Fact]
    public async Task Silence_is_a_timeout()
    {
        await using var peer = OddPeer.Start(Odd.Silent);
        await using var connection = await ConnectAsync(peer.Target);
        var start = Stopwatch.GetTimestamp();
        var failure = await FailAsync(connection, UniquePayload.Bytes(Size), Brief);
        Assert.Equal((ProbeResult.Timeout, "connected, 0 of 64 bytes came back within 200 ms", false), (failure.Result, failure.Message, failure.IsTurnedAway));
        AssertBrief(start);
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task Half_an_answer_is_a_timeout_that_says_so()
    {
        await using var peer = OddPeer.Start(Odd.SilentAfter(10));
        var failure = await Wait.PatientlyAsync(
            Brief,
            async limit =>
            {
                await using var connection = await ConnectAsync(peer.Target);
                return await FailAsync(connection, UniquePayload.Bytes(Size), limit);
            },
            failure => failure.Message.StartsWith("connected, 10 ", StringComparison.Ordinal));
        Assert.Equal(ProbeResult.Timeout, failure.Result);
        Assert.Matches("^connected, 10 of 64 bytes came back within [0-9.]+ m?s$", failure.Message);
    }

    [Fact]
    public async Task A_peer_that_reads_nothing_is_a_timeout()
    {
        await using var peer = OddPeer.Start(Odd.Deaf);
        await using var connection = await ConnectAsync(peer.Target);
        var start = Stopwatch.GetTimestamp();
        Assert.Equal(ProbeResult.Timeout, (await FailAsync(connection, new byte[32_000_000], Brief)).Result);
        AssertBrief(start);
    }

    [Fact]
    public async Task The_end_at_once_is_closed()
    {
        await using var peer = OddPeer.Start(Odd.Ending);
        await using var connection = await ConnectAsync(peer.Target);
        var failure = await FailAsync(connection, UniquePayload.Bytes(Size));
        Assert.Equal((ProbeResult.Closed, true), (failure.Result, failure.IsTurnedAway));
        Assert.Matches(
            $"^closed by the peer before a byte came back, after {Time}; perhaps it turns connections away, as when it drains or is full$",
            failure.Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    public async Task The_end_after_some_bytes_is_closed(int bytes)
    {
        await using var peer = OddPeer.Start(Odd.EndingAfter(bytes));
        await using var connection = await ConnectAsync(peer.Target);
        var failure = await FailAsync(connection, UniquePayload.Bytes(Size));
        Assert.Equal((ProbeResult.Closed, false), (failure.Result, failure.IsTurnedAway));
        Assert.Matches($"^closed by the peer after {bytes} of 64 bytes, {Time}$", failure.Message);
    }

    [Fact]
    public async Task The_end_after_the_last_byte_is_no_failure()
    {
        await using var peer = OddPeer.Start(Odd.EndingAfter(Size));
        await using var connection = await ConnectAsync(peer.Target);
        await EchoAsync(connection, UniquePayload.Bytes(Size));
        var failure = await FailAsync(connection, UniquePayload.Bytes(Size));

        // Bytes have come back, so the reason is not that connections are rejected.
        Assert.Equal((ProbeResult.Closed, false), (failure.Result, failure.IsTurnedAway));
        Assert.Matches($"^closed by the peer after 1 message, {Time}$", failure.Message);
    }

    [Theory]
    [InlineData(1, "closed by the peer after 2 messages and 1 of 64 bytes")]
    [InlineData(0, "closed by the peer after 2 messages")]
    public async Task An_end_says_after_how_much_it_came(int bytes, string text)
    {
        await using var peer = OddPeer.Start(Odd.EndingAfter((2 * Size) + bytes));
        await using var connection = await ConnectAsync(peer.Target);
        await EchoAsync(connection, UniquePayload.Bytes(Size));
        await EchoAsync(connection, UniquePayload.Bytes(Size));
        var failure = await FailAsync(connection, UniquePayload.Bytes(Size));
        Assert.Equal((ProbeResult.Closed, false), (failure.Result, failure.IsTurnedAway));
        Assert.Matches($"^{text}, {Time}$", failure.Message);
    }

    [Fact]
    public async Task Silence_after_messages_says_after_how_many()
    {
        await using var peer = OddPeer.Start(Odd.SilentAfter(Size));
        await using var connection = await ConnectAsync(peer.Target);
        await EchoAsync(connection, UniquePayload.Bytes(Size));
        var failure = await FailAsync(connection, UniquePayload.Bytes(Size), Brief);
        Assert.Equal(ProbeResult.Timeout, failure.Result);
        Assert.Matches($"^after 1 message, {Time}, 0 of 64 bytes came back within 200 ms$", failure.Message);
    }

    /// <summary>At whatever time the reset comes: while connecting, before the message, or after it.</summary>
    [Fact]
    public async Task A_reset_at_once_is_being_turned_away()
    {
        await using var peer = OddPeer.Start(Odd.Resetting);
        var client = Client();
        for (var i = 0; i < 300; i++)
        {
            var probe = await client.ProbeAsync(peer.Target, Size, Ample, CancellationToken.None).WaitAsync(Wait.Limit);
            Assert.True(probe.Result is ProbeResult.Reset || (!KnowsResets && probe.Result == ProbeResult.Closed), $"{probe.Result}: {probe.Error}");
            if (KnowsResets)
            {
                Assert.True(probe.IsTurnedAway);
                Assert.Matches(
                    $"^reset by the peer before a byte came back, after {Time}; perhaps it turns connections away, as when it drains or is full$",
                    probe.Error);
            }
        }
    }

    [Fact]
    public async Task A_reset_in_place_of_the_answer_is_being_turned_away()
    {
        await using var peer = OddPeer.Start(Odd.ResettingAfter(0, Size));
        await using var connection = await ConnectAsync(peer.Target);
        var failure = await FailAsync(connection, UniquePayload.Bytes(Size));
        Assert.Equal((ProbeResult.Reset, true), (failure.Result, failure.IsTurnedAway));
    }

    [Fact]
    public async Task A_reset_after_some_bytes_says_so()
    {
        await using var peer = OddPeer.Start(Odd.ResettingAfter(10, Size));
        await using var connection = await ConnectAsync(peer.Target);
        var failure = await FailAsync(connection, UniquePayload.Bytes(Size));
        Assert.Equal(ProbeResult.Reset, failure.Result);
        if (KnowsResets)
        {
            Assert.False(failure.IsTurnedAway);
            Assert.Matches($"^reset by the peer after 10 of 64 bytes, {Time}$", failure.Message);
        }
    }

    [Fact]
    public async Task After_a_failure_the_connection_is_of_no_more_use()
    {
        await using var peer = OddPeer.Start(Odd.SilentAfter(10));
        await using var connection = await ConnectAsync(peer.Target);
        await FailAsync(connection, UniquePayload.Bytes(Size), Brief);
        await Assert.ThrowsAnyAsync<Exception>(() => EchoAsync(connection, UniquePayload.Bytes(Size)));
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task Where_nobody_listens_is_refused()
    {
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var failure = await FailToConnectAsync(new PeerTarget("127.0.0.1", ((IPEndPoint)bound.LocalEndPoint!).Port, false));
        Assert.Equal((ProbeResult.Refused, "Connection refused"), (failure.Result, failure.Message));
    }

    [Fact]
    public async Task Where_nobody_answers_is_a_timeout()
    {
        using var blackhole = Blackhole.Open();
        var start = Stopwatch.GetTimestamp();
        var failure = await FailToConnectAsync(new PeerTarget("127.0.0.1", blackhole.EndPoint.Port, false), Brief);
        Assert.Equal(ProbeResult.Timeout, failure.Result);
        Assert.StartsWith("no connection was accepted within ", failure.Message, StringComparison.Ordinal);
        AssertBrief(start);
    }

    [Fact]
    public async Task A_name_that_is_not_known_is_of_class_dns()
    {
        var failure = await FailToConnectAsync(Unresolved, resolver: KnownNames.None());
        Assert.Equal(ProbeResult.Dns, failure.Result);
        Assert.StartsWith("echo.example can't be resolved: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_is_not_resolved_in_time_is_a_timeout()
    {
        var start = Stopwatch.GetTimestamp();
        var failure = await FailToConnectAsync(Unresolved, Brief, new KnownNames { IsSilent = true });
        Assert.Equal((ProbeResult.Timeout, "echo.example was not resolved within 200 ms"), (failure.Result, failure.Message));
        AssertBrief(start);
    }

    [Fact]
    public async Task An_address_is_not_resolved()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        var resolver = KnownNames.None();
        await using var literal = await ConnectAsync(peer.Target, resolver: resolver);
        await using var given = await ConnectAsync(peer.Named("echo.example") with { EndPoint = peer.EndPoint }, resolver: resolver);
        Assert.Equal(0, resolver.Asked);
    }

    [Fact]
    public async Task The_systems_own_resolver_knows_localhost()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        await using var connection = await ConnectAsync(peer.Named("localhost"), resolver: NameLookups.OfSystem());
        await EchoAsync(connection, UniquePayload.Bytes(Size));
    }

    [Fact]
    public async Task Where_one_address_refuses_the_next_is_tried()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only on Linux all of 127.0.0.0/8 is loopback");
        await using var peer = OddPeer.Start(Odd.Honest);
        await using var connection = await ConnectAsync(
            peer.Named("echo.example"),
            resolver: new KnownNames(IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.3"), IPAddress.Loopback));
        await EchoAsync(connection, UniquePayload.Bytes(Size));
        Assert.Equal(peer.EndPoint, connection.RemoteEndPoint);
        Assert.Equal(
            [("127.0.0.2", "Connection refused"), ("127.0.0.3", "Connection refused")],
            connection.Passed.Select(passed => (passed.Address.ToString(), passed.Failure.Message)));
    }

    [Fact]
    public async Task Where_one_address_is_silent_the_next_is_tried_in_time()
    {
        var (honest, silent) = await StartBesideBlackholeAsync(IPAddress.Parse("127.0.0.2"));
        await using var peer = honest;
        using var blackhole = silent;
        var (time, watched) = (new FakeTimeProvider(), new Watched(Connections));
        var client = new PeerClient(watched, new KnownNames(IPAddress.Parse("127.0.0.2"), IPAddress.Loopback), PeerLink.Default, time);
        var connecting = client.ConnectAsync(peer.Named("echo.example"), TimeSpan.FromSeconds(10), CancellationToken.None, time);
        await Wait.UntilAsync(() => watched.Tried == 1, "the silent one is tried");
        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(connecting.IsCompleted);
        Assert.Equal(1, watched.Tried);

        // The first address has used its share of the time.
        time.Advance(TimeSpan.FromSeconds(0.1));
        await using var connection = await connecting.WaitAsync(Wait.Limit);
        Assert.Equal(2, watched.Tried);
        await EchoAsync(connection, UniquePayload.Bytes(Size));
        var (address, passed) = Assert.Single(connection.Passed);
        Assert.Equal((IPAddress.Parse("127.0.0.2"), ProbeResult.Timeout), (address, passed.Result));
        // Without the time that the other address took.
        Assert.Equal(TimeSpan.Zero, connection.Phases.Connect);
    }

    [Fact]
    public async Task Where_every_address_is_dead_each_is_named()
    {
        using var blackhole = Blackhole.Open(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
        var (time, watched) = (new FakeTimeProvider(), new Watched(Connections));
        var client = new PeerClient(watched, new KnownNames(IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.3")), PeerLink.Default, time);
        var connecting = client.ConnectAsync(
            new PeerTarget("echo.example", blackhole.EndPoint.Port, false),
            TimeSpan.FromSeconds(10),
            CancellationToken.None,
            time);
        await Wait.UntilAsync(() => watched.Tried == 1, "the silent one is tried");
        time.Advance(TimeSpan.FromSeconds(5));
        var failure = await Assert.ThrowsAsync<PeerException>(() => connecting.WaitAsync(Wait.Limit));
        Assert.Equal(
            (ProbeResult.Refused, "127.0.0.2: no connection was accepted within 5 s; 127.0.0.3: Connection refused"),
            (failure.Result, failure.Message));
    }

    [Fact]
    public async Task A_probe_has_one_limit_for_all_that_it_does()
    {
        var isAsked = new TaskCompletionSource();
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.ReadAsync(Size);
            isAsked.SetResult();
            await Odd.Silent(connection);
        });
        var (time, resolver) = (new FakeTimeProvider(), new SlowNames());
        var probing = new PeerClient(Connections, resolver, PeerLink.Default, time).ProbeAsync(
            peer.Named("echo.example"),
            Size,
            TimeSpan.FromSeconds(5),
            CancellationToken.None,
            time);
        time.Advance(TimeSpan.FromSeconds(3));
        resolver.Answer.SetResult([IPAddress.Loopback]);
        await isAsked.Task.WaitAsync(Wait.Limit);
        time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(probing.IsCompleted);

        // However little of it was left for the answer.
        time.Advance(TimeSpan.FromSeconds(0.1));
        var probe = await probing.WaitAsync(Wait.Limit);
        Assert.Equal((ProbeResult.Timeout, $"connected, 0 of {Size} bytes came back within 5 s"), (probe.Result, probe.Error));
    }

    [Theory]
    [InlineData(SocketError.TimedOut, "timeout", false)]
    [InlineData(SocketError.ConnectionRefused, "refused", false)]
    [InlineData(SocketError.HostUnreachable, "unreachable", false)]
    [InlineData(SocketError.NetworkUnreachable, "unreachable", false)]
    [InlineData(SocketError.TooManyOpenSockets, "local", false)]
    [InlineData(SocketError.AddressNotAvailable, "local", false)]
    [InlineData(SocketError.AddressFamilyNotSupported, "local", false)]
    [InlineData(SocketError.AccessDenied, "local", false)]
    [InlineData(SocketError.ConnectionReset, "reset", true)]
    [InlineData(SocketError.NotConnected, "reset", true)]
    public async Task Each_failure_to_connect_has_its_class(SocketError error, string result, bool isTurnedAway)
    {
        var client = new PeerClient(new Connecting(_ => throw new SocketException((int)error)), KnownNames.None(), PeerLink.Default, TimeProvider.System);
        var probe = await client.ProbeAsync(new PeerTarget("127.0.0.1", 1, false), Size, Ample, CancellationToken.None).WaitAsync(Wait.Limit);
        Assert.Equal((result, isTurnedAway), (probe.Result.Label(), probe.IsTurnedAway));
        Assert.False(string.IsNullOrWhiteSpace(probe.Error));
    }

    [Fact]
    public async Task A_PROXY_header_that_is_not_taken_is_a_timeout()
    {
        var failure = await Wait.PatientlyAsync(
            Brief,
            limit => Assert.ThrowsAsync<PeerException>(() =>
                Deaf().ConnectAsync(new PeerTarget("127.0.0.1", 1, false), limit, CancellationToken.None).WaitAsync(Wait.Limit)),
            failure => failure.Message.StartsWith("connected, but the PROXY header", StringComparison.Ordinal));
        Assert.Equal(ProbeResult.Timeout, failure.Result);
        Assert.Matches("^connected, but the PROXY header was not taken within [0-9.]+ m?s$", failure.Message);
    }

    [Fact]
    public async Task Who_cancels_while_the_PROXY_header_is_sent_is_told_so() =>
        await CancelAsync(stop => Deaf().ConnectAsync(new PeerTarget("127.0.0.1", 1, false), Ample, stop));

    [Fact]
    public async Task Who_cancels_before_anything_is_told_so()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        var canceled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Client().ConnectAsync(peer.Named("echo.example"), Ample, canceled).WaitAsync(Wait.Limit));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Client().ProbeAsync(peer.Target, Size, Ample, canceled).WaitAsync(Wait.Limit));
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task Who_cancels_while_a_name_is_resolved_is_told_so() =>
        await CancelAsync(stop => Client(resolver: new KnownNames { IsSilent = true }).ConnectAsync(Unresolved, Ample, stop));

    [Fact]
    public async Task Who_cancels_while_connecting_is_told_so()
    {
        using var blackhole = Blackhole.Open();
        await CancelAsync(stop => Client().ConnectAsync(new PeerTarget("127.0.0.1", blackhole.EndPoint.Port, false), Ample, stop));
        var client = Client(resolver: new KnownNames(IPAddress.Loopback, IPAddress.Loopback));
        await CancelAsync(stop => client.ConnectAsync(Unresolved with { Port = blackhole.EndPoint.Port }, Ample, stop));
    }

    [Fact]
    public async Task Who_cancels_while_waiting_for_the_answer_is_told_so()
    {
        await using var peer = OddPeer.Start(Odd.SilentAfter(10));
        await using var connection = await ConnectAsync(peer.Target);
        await CancelAsync(stop => connection.EchoAsync(UniquePayload.Bytes(Size), Ample, stop));
        await CancelAsync(stop => Client().ProbeAsync(peer.Target, Size, Ample, stop));
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task Who_cancels_while_the_message_is_not_taken_is_told_so()
    {
        await using var peer = OddPeer.Start(Odd.Deaf);
        await using var connection = await ConnectAsync(peer.Target);
        await CancelAsync(stop => connection.EchoAsync(new byte[32_000_000], Ample, stop));
    }

    [Fact]
    public async Task A_connection_ends_in_order()
    {
        var end = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync(await connection.ReadAsync(Size));
            try
            {
                end.SetResult(await connection.Socket.ReceiveAsync(new byte[1], SocketFlags.None, connection.Stop));
            }
            catch (Exception e)
            {
                end.SetException(e);
            }
        });
        await using (var connection = await ConnectAsync(peer.Target))
        {
            await EchoAsync(connection, UniquePayload.Bytes(Size));
        }

        Assert.Equal(0, await end.Task.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task Failures_leave_nothing_open()
    {
        await using var peer = OddPeer.Start(connection => (connection.Number % 5) switch
        {
            0 => Odd.Silent(connection),
            1 => Odd.Changing(5, Size)(connection),
            2 => Odd.Ending(connection),
            3 => Odd.Resetting(connection),
            _ => Odd.SilentAfter(20)(connection),
        });
        var client = Client();
        var probes = await Task.WhenAll(
            Enumerable.Range(0, 100).Select(_ => client.ProbeAsync(peer.Target, Size, Brief, CancellationToken.None))).WaitAsync(Wait.Limit);
        Assert.DoesNotContain(probes, probe => probe.Result == ProbeResult.Ok);
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task An_abort_of_this_machines_own_is_no_cancellation()
    {
        var client = new PeerClient(
            new Connecting(_ => throw new ConnectionAbortedException("the loop has failed")),
            KnownNames.None(),
            PeerLink.Default,
            TimeProvider.System);
        await Assert.ThrowsAsync<ConnectionAbortedException>(() =>
            client.ProbeAsync(new PeerTarget("127.0.0.1", 1, false), Size, Ample, CancellationToken.None).WaitAsync(Wait.Limit));
        var failure = PeerException.OfConnection(
            new ConnectionAbortedException("the loop has failed"),
            new ConnectionProgress(2, 0, Size, TimeSpan.FromSeconds(1.25)));
        Assert.Equal(
            (ProbeResult.Local, "aborted by this machine (the loop has failed) after 2 messages, 1.3 s", false),
            (failure.Result, failure.Message, failure.IsTurnedAway));
    }

    [Fact]
    public async Task A_connection_begins_at_the_source_that_is_asked_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only on Linux all of 127.0.0.0/8 is loopback");
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.ReadAsync(Size);
            var source = ((IPEndPoint)connection.Socket.RemoteEndPoint!).Address.ToString();
            await connection.WriteAsync(System.Text.Encoding.ASCII.GetBytes(source.PadRight(Size)));
        });
        var client = new PeerClient(From(IPAddress.Parse("127.0.0.77")), KnownNames.None(), PeerLink.Default, TimeProvider.System);
        await using var connection = await client.ConnectAsync(peer.Target, Ample, CancellationToken.None).WaitAsync(Wait.Limit);
        await EchoAsync(connection, System.Text.Encoding.ASCII.GetBytes("127.0.0.77".PadRight(Size)));
    }

    [Fact]
    public async Task A_source_that_this_machine_does_not_have_is_of_class_local()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        var source = IPAddress.Parse("192.0.2.77");
        var client = new PeerClient(From(source), KnownNames.None(), new PeerLink(Source: source), TimeProvider.System);
        var failure = await Assert.ThrowsAsync<PeerException>(() => client.ConnectAsync(peer.Target, Ample, CancellationToken.None).WaitAsync(Wait.Limit));
        Assert.Equal((ProbeResult.Local, "from 192.0.2.77: Cannot assign requested address"), (failure.Result, failure.Message));
    }

    private static Task<EchoTimes> EchoAsync(PeerConnection connection, byte[] message) =>
        connection.EchoAsync(message, Ample, CancellationToken.None).WaitAsync(Wait.Limit);

    private static Task<PeerException> FailAsync(PeerConnection connection, byte[] message, TimeSpan? timeout = null) =>
        Assert.ThrowsAsync<PeerException>(() => connection.EchoAsync(message, timeout ?? Ample, CancellationToken.None).WaitAsync(Wait.Limit));

    private static async Task CancelAsync(Func<CancellationToken, Task> act)
    {
        using var stop = new CancellationTokenSource();
        var acting = act(stop.Token);
        Assert.False(acting.IsCompleted);
        stop.CancelAfter(TimeSpan.FromMilliseconds(50));
        var canceled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => acting.WaitAsync(Wait.Limit));
        Assert.Equal(stop.Token, canceled.CancellationToken);
    }

    /// <summary>A client whose connections take no bytes.</summary>
    private static PeerClient Deaf() => new(
        new Connecting(endPoint => new DeafConnection
        {
            LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 2),
            RemoteEndPoint = endPoint,
        }),
        KnownNames.None(),
        new PeerLink(Proxy: new ProxyPreamble(1, null)),
        TimeProvider.System);

    /// <summary>Asserts that it took at least the given time and not much longer; a shared machine may add to it.</summary>
    private static void AssertBrief(long start) => Assert.InRange(Stopwatch.GetElapsedTime(start), 0.9 * Brief, Brief + TimeSpan.FromSeconds(20));

    /// <summary>Starts a peer and, on another address with the same port, a listener that does not answer.</summary>
    private static async Task<(OddPeer Peer, Blackhole Silent)> StartBesideBlackholeAsync(IPAddress address)
    {
        while (true)
        {
            var peer = OddPeer.Start(Odd.Honest);
            try
            {
                return (peer, Blackhole.Open(new IPEndPoint(address, peer.EndPoint.Port)));
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // Another program has that port on this address; try one that is free on both.
                await peer.DisposeAsync();
            }
        }
    }

    private Task<PeerException> FailToConnectAsync(PeerTarget target, TimeSpan? timeout = null, INameResolver? resolver = null) =>
        Assert.ThrowsAsync<PeerException>(() =>
            Client(resolver: resolver).ConnectAsync(target, timeout ?? Ample, CancellationToken.None).WaitAsync(Wait.Limit));

    private sealed class Connecting(Func<EndPoint, ConnectionContext> connect) : IConnectionFactory
    {
        public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            return connect(endpoint);
        }
    }

    /// <summary>Counts the attempts to connect.</summary>
    private sealed class Watched(IConnectionFactory connections) : IConnectionFactory
    {
        private int _tried;

        public int Tried => Volatile.Read(ref _tried);

        public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _tried);
            return connections.ConnectAsync(endpoint, cancellationToken);
        }
    }

    /// <summary>Resolves every name when the test says so.</summary>
    private sealed class SlowNames : INameResolver
    {
        public TaskCompletionSource<IPAddress[]> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken) => Answer.Task;
    }

    private sealed class DeafConnection() : DefaultConnectionContext(
        "deaf",
        new Pipes(new Pipe().Reader, new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1)).Writer),
        new Pipes(new Pipe().Reader, new Pipe().Writer))
    {
        /// <summary>The base class cancels a source on the thread pool, where it may already be disposed.</summary>
        public override void Abort(ConnectionAbortedException abortReason)
        {
        }
    }

    private sealed record Pipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

public sealed class PeerClientTestsOnEpoll() : PeerClientTests(Epoll);

public sealed class PeerClientTestsOnEpollLoops() : PeerClientTests(EpollLoop);

public sealed class PeerClientTestsOnSockets() : PeerClientTests(Sockets);
