using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

/// <summary><c>EchoHost send</c> as a process: its output and exit code.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public sealed partial class SendTests : IAsyncLifetime
{
    private EchoHostFixture _host = null!;

    private string Target => _host.Tcp.ToString()!;

    public async ValueTask InitializeAsync() => _host = await EchoHostFixture.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_text_comes_back_with_its_round_trip_and_a_summary()
    {
        var (code, output, errors) = await SendAsync(Target, "Hello, opencode.space!");
        Assert.Equal(0, code);
        Assert.Empty(errors);
        Assert.Equal(7, output.Length);
        Assert.Matches($"^Connected to {Target}: connect [0-9]+\\.[0-9]{{3}} ms$", output[0]);
        Assert.Matches($"^22 bytes from {Target}: seq=1 time=[0-9]+\\.[0-9]{{3}} ms \"Hello, opencode\\.space!\"$", output[1]);
        Assert.Equal("", output[2]);
        Assert.Equal($"--- {Target} ---", output[3]);
        Assert.Equal("1 message, 1 came back the same, 0 % lost", output[4]);
        Assert.Matches("^phases on average: connect [0-9]+\\.[0-9]{3} ms, first answer [0-9]+\\.[0-9]{3} ms$", output[5]);
        Assert.Matches("^round trip min/avg/max/stddev = [0-9]+\\.[0-9]{3}/[0-9]+\\.[0-9]{3}/[0-9]+\\.[0-9]{3}/0\\.000 ms$", output[6]);
        Assert.Contains(_host.Log.Lines, line => line.EndsWith(": \"Hello, opencode.space!\". Echoing it back", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_text_that_could_mislead_is_shown_escaped()
    {
        var (code, output, _) = await SendAsync(Target, "a\nb\u001b[31m\"é");
        Assert.Equal(0, code);
        Assert.EndsWith(" ms \"a\\nb\\x1b[31m\\\"é\"", output[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task So_many_are_sent_at_the_interval()
    {
        var (code, output, _) = await SendAsync(Target, "hello", "--count", "4", "--interval", "50ms");
        Assert.Equal(0, code);
        Assert.Equal(
            [1, 2, 3, 4],
            output.Select(line => Sequence().Match(line))
                .Where(m => m.Success)
                .Select(m => int.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)));
        // All over one connection.
        Assert.Single(output, line => line.StartsWith("Connected to ", StringComparison.Ordinal));
        Assert.Contains("4 messages, 4 came back the same, 0 % lost", output);
    }

    [Fact]
    public async Task The_interval_is_kept_after_a_slow_message_too()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            var first = await connection.ReadAsync(5);
            await Task.Delay(TimeSpan.FromMilliseconds(500), connection.Stop);
            await connection.WriteAsync(first);
            await Odd.Honest(connection);
        });
        var (code, output, _) = await SendAsync(peer.EndPoint.ToString(), "hello", "--count", "4", "--interval", "100ms", "--json");
        Assert.Equal(0, code);
        DateTimeOffset[] times = [.. output.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("time").GetDateTimeOffset())];
        // Timers may fire a little early.
        Assert.InRange(times[3] - times[1], TimeSpan.FromMilliseconds(190), Wait.Limit);
    }

    [Fact]
    public async Task Random_bytes_are_not_shown()
    {
        var (code, output, _) = await SendAsync(Target, "--bytes", "300", "--count", "3", "--interval", "0s");
        Assert.Equal(0, code);
        Assert.Equal(3, output.Count(line => line.StartsWith("300 bytes from ", StringComparison.Ordinal) && line.EndsWith(" ms", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_large_message_comes_back()
    {
        var (code, output, _) = await SendAsync(Target, "--bytes", "5000000", "--json");
        Assert.Equal(0, code);
        AssertMessage(Assert.Single(output), 1, 5_000_000, isFirst: true);
    }

    [Fact]
    public async Task JSON_is_one_object_a_message()
    {
        var (code, output, errors) = await SendAsync(Target, "héllo", "--count", "3", "--interval", "1ms", "--json");
        Assert.Equal(0, code);
        Assert.Empty(errors);
        Assert.Equal(3, output.Length);
        for (var i = 0; i < 3; i++)
        {
            AssertMessage(output[i], i + 1, 6, isFirst: i == 0);
        }
    }

    [Fact]
    public async Task Each_line_of_standard_input_is_a_message()
    {
        using var program = EchoHostProcess.StartFed("send", Target);
        await program.Input.WriteAsync("one\r\n\nÿtwo"u8.ToArray()).AsTask().WaitAsync(Wait.Limit);
        await program.Input.FlushAsync().WaitAsync(Wait.Limit);
        // The command sends before its input ends.
        await Wait.UntilAsync(() => program.Output.Any(line => line.Contains("\"one\"", StringComparison.Ordinal)), "the first line was sent");
        await program.Input.WriteAsync((byte[])[0xFE, (byte)'\n', .. "three"u8]).AsTask().WaitAsync(Wait.Limit);
        program.Input.Close();
        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Empty(program.Errors);
        var messages = program.Output.Where(line => Sequence().IsMatch(line)).ToArray();
        Assert.Equal(3, messages.Length);
        Assert.Matches("^3 bytes from .* seq=1 .*\"one\"$", messages[0]);
        Assert.Matches("^6 bytes from .* seq=2 .*\"ÿtwo\\\\xfe\"$", messages[1]);
        Assert.Matches("^5 bytes from .* seq=3 .*\"three\"$", messages[2]);
    }

    [Fact]
    public async Task No_more_lines_are_sent_than_count_says()
    {
        using var program = EchoHostProcess.StartFed("send", Target, "--count", "2");
        await program.Input.WriteAsync("one\ntwo\nthree\n"u8.ToArray()).AsTask().WaitAsync(Wait.Limit);
        await program.Input.FlushAsync().WaitAsync(Wait.Limit);
        // The input has not ended.
        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Contains("2 messages, 2 came back the same, 0 % lost", program.Output);
    }

    [Fact]
    public async Task Nothing_to_send_is_a_failure()
    {
        using var program = EchoHostProcess.StartFed("send", Target);
        program.Input.Close();
        Assert.Equal(1, await program.WaitForExitAsync());
        Assert.Equal("EchoHost: there was nothing to send", Assert.Single(program.Errors));
        Assert.Empty(program.Output);
    }

    [Fact]
    public async Task A_signal_prints_the_summary()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        using var program = EchoHostProcess.Start(["send", Target, "hello", "--count", "0", "--interval", "1ms"]);
        await Wait.UntilAsync(() => program.Output.Count() > 3, "messages were sent");
        program.Signal(PosixSignal.SIGINT);
        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Empty(program.Errors);
        Assert.Matches("^[0-9]+ messages, [0-9]+ came back the same, 0 % lost$", program.Output.ElementAt(program.Output.Count() - 3));
    }

    [Theory]
    [InlineData(PosixSignal.SIGINT)]
    [InlineData(PosixSignal.SIGTERM)]
    [InlineData(PosixSignal.SIGHUP)]
    public async Task A_signal_ends_the_wait_for_a_line(PosixSignal signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        using var program = EchoHostProcess.StartFed("send", Target);
        await program.Input.WriteAsync("one\n"u8.ToArray()).AsTask().WaitAsync(Wait.Limit);
        await program.Input.FlushAsync().WaitAsync(Wait.Limit);
        await Wait.UntilAsync(() => program.Output.Any(line => line.Contains("\"one\"", StringComparison.Ordinal)), "the line was sent");
        program.Signal(signal);
        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Contains("1 message, 1 came back the same, 0 % lost", program.Output);
    }

    [Fact]
    public async Task A_signal_ends_the_wait_for_an_answer()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        await using var peer = OddPeer.Start(Odd.Silent);
        using var program = EchoHostProcess.Start(["send", peer.EndPoint.ToString(), "hello", "--timeout", "1h"]);
        await Wait.UntilAsync(() => program.Output.Any(), "it is connected");
        program.Signal(PosixSignal.SIGINT);
        Assert.Equal(1, await program.WaitForExitAsync());
        Assert.Equal(["", $"--- {peer.EndPoint} ---", "0 messages, 0 came back the same, 0 % lost"], program.Output.Skip(1).Take(3));
    }

    [Fact]
    public async Task A_name_is_said_with_its_address_in_JSON_too()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        var (code, output, _) = await SendAsync($"localhost:{peer.EndPoint.Port}", "hello", "-4", "--json");
        var message = JsonDocument.Parse(Assert.Single(output)).RootElement;
        Assert.Equal(
            (0, $"localhost:{peer.EndPoint.Port}", peer.EndPoint.ToString()),
            (code, message.GetProperty("target").GetString(), message.GetProperty("address").GetString()));
    }

    [Fact]
    public async Task It_connects_from_the_source_that_is_asked_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only on Linux all of 127.0.0.0/8 is loopback");
        Assert.Equal(0, (await SendAsync(Target, "hello", "--source", "127.0.0.77")).Code);
        await Wait.UntilAsync(() => _host.Log.Lines.Any(line => line.StartsWith("Peer 127.0.0.77:", StringComparison.Ordinal)), "it came from there");
        var (code, output, _) = await SendAsync(Target, "hello", "--source", "192.0.2.77");
        Assert.Equal((1, $"{Target}: seq=1 local: from 192.0.2.77: Cannot assign requested address"), (code, output[0]));
    }

    [Fact]
    public async Task An_end_says_after_how_many_messages_it_came()
    {
        await using var peer = OddPeer.Start(Odd.EndingAfter(10));
        var (code, output, _) = await SendAsync(peer.EndPoint.ToString(), "hello", "--count", "3", "--interval", "10ms");
        Assert.Equal(1, code);
        Assert.Contains(output, line => line.StartsWith($"{peer.EndPoint}: seq=3 closed: closed by the peer after 2 messages, ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Something_else_back_is_a_failure_that_is_shown()
    {
        await using var peer = OddPeer.Start(Odd.Changing(4, 5));
        var (code, output, errors) = await SendAsync(peer.EndPoint.ToString(), "hello");
        Assert.Equal(1, code);
        Assert.Empty(errors);
        Assert.Contains($"{peer.EndPoint}: seq=1 mismatch: byte 5 of 5 came back different: \"helln\"", output);
        Assert.Contains("1 message, 0 came back the same, 100 % lost", output);
    }

    [Fact]
    public async Task A_failure_is_a_JSON_object_too()
    {
        await using var peer = OddPeer.Start(connection => connection.Number == 0 ? Odd.Changing(0, 5)(connection) : Odd.Honest(connection));
        var (code, output, _) = await SendAsync(peer.EndPoint.ToString(), "hello", "--count", "3", "--interval", "1ms", "--json");
        Assert.Equal(1, code);
        Assert.Equal(3, output.Length);
        var failed = JsonDocument.Parse(output[0]).RootElement;
        Assert.Equal(
            (1, 5, JsonValueKind.Null, "mismatch", "byte 1 of 5 came back different"),
            (
                failed.GetProperty("seq").GetInt32(),
                failed.GetProperty("bytes").GetInt32(),
                failed.GetProperty("roundTripMicroseconds").ValueKind,
                failed.GetProperty("result").GetString(),
                failed.GetProperty("error").GetString()));
        // The next message gets a new connection.
        AssertMessage(output[1], 2, 5, isFirst: true);
        AssertMessage(output[2], 3, 5, isFirst: false);
        Assert.Equal(2, peer.Accepted);
    }

    [Fact]
    public async Task Silence_is_a_timeout()
    {
        await using var peer = OddPeer.Start(Odd.Silent);
        var line = $"{peer.EndPoint}: seq=1 timeout: connected, 0 of 5 bytes came back within ";
        var (code, output, _) = await Wait.PatientlyAsync(
            TimeSpan.FromMilliseconds(200),
            limit => SendAsync(peer.EndPoint.ToString(), "hello", "--timeout", $"{limit.TotalMilliseconds}ms"),
            sent => sent.Output.Any(l => l.StartsWith(line, StringComparison.Ordinal)));
        Assert.Equal(1, code);
        Assert.Matches($"^{Regex.Escape(line)}[0-9.]+ m?s$", output.Single(l => l.Contains("seq=1", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_a_failure()
    {
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var (code, output, errors) = await SendAsync(bound.LocalEndPoint!.ToString()!, "hello");
        Assert.Equal(1, code);
        Assert.Empty(errors);
        Assert.Equal($"{bound.LocalEndPoint}: seq=1 refused: Connection refused", output[0]);
        Assert.Contains("1 message, 0 came back the same, 100 % lost", output);
    }

    [Fact]
    public async Task TLS_is_believed_by_its_authority_or_not_at_all()
    {
        using var certificate = new TestCertificate();
        await using var peer = OddPeer.StartTls(certificate, Odd.Honest);
        var target = $"localhost:{peer.EndPoint.Port}";
        var (trusted, output, errors) = await SendAsync(target, "hello", "--tls", "--ca", certificate.CertificatePath);
        Assert.Equal((0, 0), (trusted, errors.Length));
        const string phases = "resolve [0-9.]+ ms, connect [0-9.]+ ms, TLS [0-9.]+ ms \\(Tls13 TLS_[A-Z0-9_]+\\)";
        Assert.Matches($"^Connected to {target} at 127\\.0\\.0\\.1:{peer.EndPoint.Port}: {phases}$", output[0]);
        Assert.Equal(0, (await SendAsync($"tls://{target}", "hello", "--insecure")).Code);
        var (refused, lines, _) = await SendAsync($"tls://{target}", "hello");
        Assert.Equal(1, refused);
        Assert.StartsWith($"{target}: seq=1 tls: ", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_PROXY_header_gives_the_source()
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.0/8");
        Assert.Equal(0, (await SendAsync(host.Tcp.ToString()!, "one", "--proxy", "v1", "--proxy-source", "203.0.113.7:56324")).Code);
        Assert.Equal(0, (await SendAsync(host.Tcp.ToString()!, "two", "--proxy", "v2", "--proxy-source", "[2001:db8::7]:1")).Code);
        Assert.Contains(host.Log.Lines, line => line.StartsWith("Peer 203.0.113.7:56324 connecting (via 127.0.0.1:", StringComparison.Ordinal));
        Assert.Contains(host.Log.Lines, line => line.StartsWith("Peer [2001:db8::7]:1 connecting (via 127.0.0.1:", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("HOST:PORT is 'no where': 'no where' is not a host name or an IP address", "no where", "x")]
    [InlineData("HOST:PORT is 'a\\x0a\\x1bb:1': ", "a\n\u001bb:1", "x")]
    [InlineData("--count is '-1'; expected a whole number from 0 to 2147483647", "127.0.0.1:1", "x", "--count=-1")]
    [InlineData("--count is 'many'; expected a whole number", "127.0.0.1:1", "x", "--count", "many")]
    [InlineData("--count has no value", "127.0.0.1:1", "x", "--count=")]
    [InlineData("--bytes is '0'; expected a whole number from 1 to 67108864", "127.0.0.1:1", "--bytes", "0")]
    [InlineData("--bytes is '67108865'; expected a whole number from 1 to 67108864", "127.0.0.1:1", "--bytes", "67108865")]
    [InlineData("--bytes is '5', but there is TEXT too", "127.0.0.1:1", "x", "--bytes", "5")]
    [InlineData("TEXT is ''; there is nothing to send", "127.0.0.1:1", "")]
    [InlineData("--interval is 'NaN'; expected a time as in 500ms, 30s, 2m, 1h or 00:00:30", "127.0.0.1:1", "x", "--interval", "NaN")]
    [InlineData("--interval is '-00:00:01'; expected ", "127.0.0.1:1", "x", "--interval=-00:00:01")]
    [InlineData("--proxy is 'v3'; expected v1 or v2", "127.0.0.1:1", "x", "--proxy", "v3")]
    [InlineData("--proxy-source is '1.2.3.4:5', but --proxy is not given", "127.0.0.1:1", "x", "--proxy-source", "1.2.3.4:5")]
    [InlineData("--ca is '/nowhere/at/all': ", "127.0.0.1:1", "x", "--tls", "--ca", "/nowhere/at/all")]
    [InlineData("--ca has no value", "127.0.0.1:1", "x", "--tls", "--ca=")]
    [InlineData("'y' is neither an option nor an argument of this command", "127.0.0.1:1", "x", "y")]
    [InlineData("'--jsn' is not an option of this command; to send it as TEXT, put -- before it", "127.0.0.1:1", "--jsn")]
    [InlineData("'--jsn' is neither an option nor an argument of this command", "127.0.0.1:1", "x", "--jsn")]
    [InlineData("", "127.0.0.1:1", "x", "--count")]
    [InlineData("", "127.0.0.1:1", "x", "--count", "1", "--count", "2")]
    [InlineData("HOST:PORT is missing")]
    public async Task What_is_wrong_is_one_line_and_exit_code_2(string line, params string[] args)
    {
        var (code, output, errors) = await SendAsync(args);
        Assert.Equal(2, code);
        Assert.StartsWith($"EchoHost: {line}", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Empty(output);
    }

    /// <summary>Text that looks like an option is sent after <c>--</c>.</summary>
    [Fact]
    public async Task A_text_may_look_like_an_option()
    {
        var (code, output, _) = await SendAsync(Target, "--", "--jsn");
        Assert.Equal(0, code);
        Assert.EndsWith("\"--jsn\"", output[1], StringComparison.Ordinal);
    }

    /// <summary>Where TLS fails, the address and the phases until then are known.</summary>
    [Fact]
    public async Task A_failed_handshake_tells_the_address_and_the_phases_before_it()
    {
        using var certificate = new TestCertificate();
        await using var peer = OddPeer.StartTls(certificate, Odd.Honest);
        var (code, output, _) = await SendAsync($"localhost:{peer.EndPoint.Port}", "-4", "--tls", "hello", "--json");
        Assert.Equal(1, code);
        var message = JsonDocument.Parse(output[0]).RootElement;
        Assert.Equal(("tls", peer.EndPoint.ToString()), (message.GetProperty("result").GetString(), message.GetProperty("address").GetString()));
        Assert.All(["resolveMicroseconds", "connectMicroseconds"], phase => Assert.Equal(JsonValueKind.Number, message.GetProperty(phase).ValueKind));
        Assert.Equal(JsonValueKind.Null, message.GetProperty("tlsMicroseconds").ValueKind);
        (_, output, _) = await SendAsync($"localhost:{peer.EndPoint.Port}", "-4", "--tls", "hello");
        Assert.StartsWith($"localhost:{peer.EndPoint.Port}: seq=1 tls: at {peer.EndPoint}: ", output[0], StringComparison.Ordinal);
    }

    /// <summary>The documented keys in their order; only a first message has times of connecting.</summary>
    private static void AssertMessage(string line, int sequence, int bytes, bool isFirst)
    {
        var message = JsonDocument.Parse(line).RootElement;
        Assert.Equal(
            [
                "seq",
                "bytes",
                "roundTripMicroseconds",
                "result",
                "time",
                "target",
                "address",
                "resolveMicroseconds",
                "connectMicroseconds",
                "proxyMicroseconds",
                "tlsMicroseconds",
                "firstAnswerMicroseconds",
            ],
            message.EnumerateObject().Select(p => p.Name));
        Assert.Equal(isFirst, message.GetProperty("connectMicroseconds").ValueKind == JsonValueKind.Number);
        Assert.All(
            ["resolveMicroseconds", "proxyMicroseconds", "tlsMicroseconds"],
            phase => Assert.Equal(JsonValueKind.Null, message.GetProperty(phase).ValueKind));
        Assert.InRange(message.GetProperty("firstAnswerMicroseconds").GetDouble(), 0.001, message.GetProperty("roundTripMicroseconds").GetDouble());
        Assert.Equal(
            (sequence, bytes, "ok"),
            (message.GetProperty("seq").GetInt32(), message.GetProperty("bytes").GetInt32(), message.GetProperty("result").GetString()));
        Assert.True(message.GetProperty("roundTripMicroseconds").GetDouble() > 0);
        Assert.EndsWith("Z", message.GetProperty("time").GetString(), StringComparison.Ordinal);
        Assert.InRange(message.GetProperty("time").GetDateTimeOffset(), DateTimeOffset.UtcNow - Wait.Limit, DateTimeOffset.UtcNow);
        Assert.StartsWith("127.0.0.1:", message.GetProperty("target").GetString(), StringComparison.Ordinal);
        Assert.Equal(message.GetProperty("target").GetString(), message.GetProperty("address").GetString());
    }

    /// <summary>The default time limit may be too short for a machine that pauses.</summary>
    private static Task<(int Code, string[] Output, string[] Errors)> SendAsync(params string[] args) =>
        TestCommand.RunAsync(["send", .. args.Contains("--timeout") ? Array.Empty<string>() : ["--timeout", "1m"], .. args]);

    [GeneratedRegex(@" seq=(\d+) ")]
    private static partial Regex Sequence();
}
