using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using EchoHost.Peers.Hold;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

/// <summary><c>EchoHost hold</c>: its output and exit code.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public sealed class HoldCommandTests
{
    /// <summary>The idle timeout of the peers: long enough to be one.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(200);

    private const int Size = HeldConnection.MessageBytes;

    [Fact]
    public async Task Each_time_has_a_line_and_the_end_a_summary()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        var (code, output, errors) = await HoldAsync(peer.EndPoint.ToString(), "--idle", "1500ms,10ms,0.3s");
        Assert.Equal(0, code);
        Assert.Empty(errors);
        Assert.Equal($"{peer.EndPoint}: 3 connections, silent for 10 ms to 1.5 s", output[0]);
        // On a busy machine they may be known in another order.
        Assert.Equal(["   1.5 s  survived", "   10 ms  survived", "  300 ms  survived"], output[1..4].Order(StringComparer.Ordinal));
        Assert.Equal(
            ["", $"--- {peer.EndPoint} ---", "No idle timeout was found: it is more than 1.5 s, the longest time that was measured."],
            output[4..]);
    }

    [Fact]
    public async Task One_after_another_stops_where_longer_times_end_too()
    {
        // The second connection is forgotten: only the next message shows it.
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.EchoAsync(connection.Number == 0 ? 2 * Size : Size);
            await connection.ReadAsync(connection.Number);
            await (connection.Number == 0 ? connection.EndAsync() : Odd.Resetting(connection));
        });
        var (code, output, errors) = await HoldAsync(peer.EndPoint.ToString(), "--parallel", "false", "--idle", "20ms,40ms,1h");
        Assert.Equal(0, code);
        Assert.Empty(errors);
        Assert.Equal(
            [
                $"{peer.EndPoint}: 3 connections, silent for 20 ms to 1 h, one after another",
                "  20 ms  survived",
                "  40 ms  reset by the peer at the message after 40 ms of silence",
                "",
                $"--- {peer.EndPoint} ---",
                "The idle timeout is more than 20 ms, at most 40 ms: the next message is answered with a reset (RST).",
            ],
            output[..6]);
        Assert.Equal("Not tried, since a longer silence would not survive either: 1 h.", output[^1]);
    }

    [Fact]
    public async Task The_default_is_a_ladder_up_to_ten_minutes()
    {
        await using var peer = OddPeer.Start(Odd.EndingAfter(Size, Idle));
        var (code, output, _) = await HoldAsync(peer.EndPoint.ToString());
        Assert.Equal(0, code);
        Assert.Equal($"{peer.EndPoint}: 6 connections, silent for 10 s to 10 min", output[0]);
        string[] times = ["  10 s", "  30 s", " 1 min", " 2 min", " 5 min", "10 min"];
        Assert.Equal(times.Order(), output[1..7].Select(line => line[2..8]).Order());
        Assert.All(output[1..7], line => Assert.Matches("^........  closed by the peer after [0-9]+\\.[0-9]{2} s$", line));
        Assert.Matches("^The idle timeout is about [0-9.]+ m?s: a silent connection is closed \\(FIN\\)\\.$", output[9]);
    }

    [Fact]
    public async Task What_is_dropped_says_for_how_long_an_answer_was_awaited()
    {
        await using var peer = OddPeer.Start(Odd.SilentAfter(Size));
        var (code, output, _) = await Wait.PatientlyAsync(
            TimeSpan.FromMilliseconds(300),
            limit => HoldAsync(peer.EndPoint.ToString(), "--idle", "10ms", "--timeout", $"{limit.TotalMilliseconds}ms"),
            run => run.Output[1].Contains("dropped", StringComparison.Ordinal));
        Assert.Equal(0, code);
        Assert.Matches("^  10 ms  dropped: no answer to the message after 10 ms of silence within [0-9.]+ m?s$", output[1]);
    }

    [Fact]
    public async Task JSON_is_an_object_for_each_time_and_one_for_the_idle_timeout()
    {
        await using var peer = OddPeer.Start(connection => connection.Number == 0 ? Odd.Honest(connection) : Odd.EndingAfter(Size, Idle)(connection));
        var (code, output, errors) = await HoldAsync(
            $"localhost:{peer.EndPoint.Port}", "-4", "--json", "--parallel", "false", "--idle", "10ms,1h");
        Assert.Equal(0, code);
        Assert.Empty(errors);
        Assert.Equal(3, output.Length);
        var survived = JsonDocument.Parse(output[0]).RootElement;
        Assert.Equal(
            ["idleSeconds", "result", "afterSeconds", "roundTripMicroseconds", "target", "address"],
            survived.EnumerateObject().Select(p => p.Name));
        Assert.Equal((0.01, "survived"), (survived.GetProperty("idleSeconds").GetDouble(), survived.GetProperty("result").GetString()));
        Assert.InRange(survived.GetProperty("afterSeconds").GetDouble(), 0.01, Wait.Limit.TotalSeconds);
        var closed = JsonDocument.Parse(output[1]).RootElement;
        Assert.Equal(
            ["idleSeconds", "result", "afterSeconds", "endedAt", "error", "roundTripMicroseconds", "target", "address"],
            closed.EnumerateObject().Select(p => p.Name));
        Assert.Equal(
            (3600, "closed", "silence", $"localhost:{peer.EndPoint.Port}", peer.EndPoint.ToString()),
            (
                closed.GetProperty("idleSeconds").GetDouble(),
                closed.GetProperty("result").GetString(),
                closed.GetProperty("endedAt").GetString(),
                closed.GetProperty("target").GetString(),
                closed.GetProperty("address").GetString()));
        Assert.StartsWith("closed by the peer after 1 message, ", closed.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.True(closed.GetProperty("roundTripMicroseconds").GetDouble() > 0);
        // The end follows the echo at once, perhaps sooner than the silence that survived was long.
        var found = JsonDocument.Parse(output[2]).RootElement.GetProperty("idleTimeout");
        Assert.Equal(["moreThanSeconds", "atMostSeconds", "endedBy", "exact"], found.EnumerateObject().Select(p => p.Name));
        Assert.Equal(closed.GetProperty("afterSeconds").GetDouble(), found.GetProperty("atMostSeconds").GetDouble());
        Assert.Equal(("closed", true), (found.GetProperty("endedBy").GetString(), found.GetProperty("exact").GetBoolean()));
    }

    [Fact]
    public async Task Where_nothing_ends_the_idle_timeout_is_null_in_JSON()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        var (code, output, _) = await HoldAsync(peer.EndPoint.ToString(), "--json", "--idle", "10ms");
        Assert.Equal((0, "{\"idleTimeout\":null}"), (code, output[1]));
    }

    [Fact]
    public async Task A_connection_that_can_not_be_made_is_a_failure()
    {
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var (code, output, errors) = await HoldAsync(bound.LocalEndPoint!.ToString()!, "--idle", "1h");
        Assert.Equal(1, code);
        Assert.Empty(errors);
        Assert.Equal("  1 h  refused: Connection refused", output[1]);
        Assert.Equal("Nothing is known of an idle timeout: no silence was measured to its end.", output[^1]);
        var (_, json, _) = await HoldAsync(bound.LocalEndPoint!.ToString()!, "--idle", "1h", "--json");
        var failed = JsonDocument.Parse(json[0]).RootElement;
        Assert.Equal(
            ("refused", JsonValueKind.Null, "Connection refused", JsonValueKind.Null),
            (
                failed.GetProperty("result").GetString(),
                failed.GetProperty("afterSeconds").ValueKind,
                failed.GetProperty("error").GetString(),
                failed.GetProperty("address").ValueKind));
        Assert.Equal("{\"idleTimeout\":null}", json[1]);
    }

    [Fact]
    public async Task Bytes_in_the_silence_are_shown_escaped_and_a_failure()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.EchoAsync(Size);
            await connection.WriteAsync("a\u001b[31m\n"u8.ToArray());
            await connection.SwallowAsync();
        });
        var (code, output, _) = await HoldAsync(peer.EndPoint.ToString(), "--idle", "1h");
        Assert.Equal(1, code);
        // They may arrive with the echo, before the silence.
        Assert.Matches(
            "^  1 h  mismatch: (bytes came although nothing was sent, after .* of silence|more came back than .*): \".*a\\\\x1b\\[31m\\\\n\"$",
            output[1]);
    }

    [Fact]
    public async Task A_name_is_said_with_its_address()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        var (code, output, _) = await HoldAsync($"localhost:{peer.EndPoint.Port}", "-4", "--idle", "10ms,20ms");
        Assert.Equal(0, code);
        Assert.Equal([$"localhost:{peer.EndPoint.Port}: 2 connections, silent for 10 ms to 20 ms", $"at {peer.EndPoint}"], output[..2]);
    }

    [Fact]
    public async Task A_signal_prints_what_is_known()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        await using var peer = OddPeer.Start(Odd.Honest);
        using var program = EchoHostProcess.Start(["hold", peer.EndPoint.ToString(), "--idle", "50ms,1h,2h", "--timeout", "1m"]);
        await Wait.UntilAsync(() => program.Output.Any(line => line.EndsWith("survived", StringComparison.Ordinal)), "one result is known");
        program.Signal(PosixSignal.SIGINT);
        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Empty(program.Errors);
        var output = program.Output.ToArray();
        Assert.Equal("  50 ms  survived", output[1]);
        Assert.Equal(["    1 h", "    2 h"], output[2..4].Select(line => line[..7]).Order());
        Assert.All(output[2..4], line => Assert.Matches("  still silent after [0-9]+\\.[0-9]{2} s$", line));
        Assert.Equal("No idle timeout was found so far: it is more than 50 ms.", output[^1]);
    }

    [Theory]
    [InlineData(PosixSignal.SIGINT)]
    [InlineData(PosixSignal.SIGTERM)]
    public async Task A_signal_before_anything_is_known_is_a_failure(PosixSignal signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        await using var host = await EchoHostFixture.StartAsync();
        using var program = EchoHostProcess.Start(["hold", host.Tcp.ToString()!, "--idle", "1h", "--json", "--timeout", "1m"]);
        await host.UntilLoggedAsync(e => e.Text.StartsWith("Received new message from peer", StringComparison.Ordinal), "the message was sent");
        program.Signal(signal);
        Assert.Equal(1, await program.WaitForExitAsync());
        Assert.Equal("EchoHost: stopped before anything was known", Assert.Single(program.Errors));
        // The echo may not be back yet; then the connection was never silent.
        Assert.Equal("{\"idleTimeout\":null}", program.Output.Last());
        Assert.All(program.Output.SkipLast(1), line => Assert.Equal("silent", JsonDocument.Parse(line).RootElement.GetProperty("result").GetString()));
    }

    [Theory]
    [InlineData("--idle is 'soon'; 'soon' is not a time as in 500ms, 30s, 2m, 1h or 00:00:30", "127.0.0.1:1", "--idle", "soon")]
    [InlineData("--idle is '1s,,2s'; '' is not a time", "127.0.0.1:1", "--idle", "1s,,2s")]
    [InlineData("--idle is '10'; '10' is not a time", "127.0.0.1:1", "--idle", "10")]
    [InlineData("--idle is '1s,0s'; '0s' must be more than zero", "127.0.0.1:1", "--idle", "1s,0s")]
    [InlineData("--idle is '-00:00:01'; '-00:00:01' must be more than zero", "127.0.0.1:1", "--idle=-00:00:01")]
    [InlineData("--idle is '10000h'; '10000h' is more than 24 days", "127.0.0.1:1", "--idle", "10000h")]
    [InlineData("--idle is '60s,1s,1m'; 1 min is there twice", "127.0.0.1:1", "--idle", "60s,1s,1m")]
    [InlineData("--idle has no value", "127.0.0.1:1", "--idle=")]
    [InlineData("'maybe' is neither an option nor an argument of this command", "127.0.0.1:1", "--parallel", "maybe")]
    [InlineData("HOST:PORT is missing")]
    [InlineData("--timeout is 'x'; expected a time", "127.0.0.1:1", "--timeout", "x")]
    public async Task What_is_wrong_is_one_line_and_exit_code_2(string line, params string[] args)
    {
        var (code, output, errors) = await TestCommand.RunAsync(["hold", .. args]);
        Assert.Equal(2, code);
        Assert.StartsWith($"EchoHost: {line}", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Empty(output);
    }

    [Fact]
    public async Task A_hundred_times_are_enough()
    {
        var times = string.Join(',', Enumerable.Range(1, 101).Select(i => $"{i}s"));
        var (code, _, errors) = await TestCommand.RunAsync("hold", "127.0.0.1:1", "--idle", times);
        Assert.Equal((2, $"EchoHost: --idle is '{times}'; there are 101 times, and at most 100 are possible"), (code, Assert.Single(errors)));
    }

    /// <summary>The default time limit may be too short for a machine that pauses.</summary>
    private static Task<(int Code, string[] Output, string[] Errors)> HoldAsync(params string[] args) =>
        TestCommand.RunAsync(["hold", .. args.Contains("--timeout") ? Array.Empty<string>() : ["--timeout", "1m"], .. args]);
}
