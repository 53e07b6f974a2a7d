using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

/// <summary><c>EchoHost load</c> as a process: its output and exit code.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public sealed class LoadCommandTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(TestScale.Of(200, 3_000));

    [Fact]
    public async Task The_result_is_for_people()
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:LogMessages=false");
        var (code, output, errors) = await LoadForAsync(
            run => TestCommand.HasLoaded(run.Output),
            host.Tcp.ToString()!,
            "--connections", "5",
            "--size", "100",
            "--pipeline", "2");
        Assert.Equal(0, code);
        Assert.Empty(errors);
        Assert.Equal($"{host.Tcp}: 5 connections, 100 bytes a message, 2 under way on each", output[0]);
        Assert.Matches("^[0-9,]+ messages in [0-9]+\\.[0-9]{2} s: [0-9,]+ messages/s, [0-9,.]+ MiB/s each way$", output[1]);
        Assert.Matches("^min .*  mean .*  p50 .*  p90 .*  p99 .*  p99\\.9 .*  max .*$", output[3]);
        Assert.Contains(output, line => line.StartsWith("  ≤ ", StringComparison.Ordinal) && line.Contains(" %", StringComparison.Ordinal));
        Assert.Equal("no errors", output[^1]);
    }

    [Theory]
    [InlineData("--connections", "5")]
    [InlineData("--connections", "2", "--pipeline", "16")]
    [InlineData("--connections", "2", "--size", "1048576", "--pipeline", "4")]
    [InlineData("--connections", "3", "--reconnect")]
    [InlineData("--connections", "3", "--rate", "500")]
    [InlineData("--connections", "3", "--rate", "500", "--reconnect")]
    public async Task JSON_is_one_object(params string[] args)
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:LogMessages=false");
        // With a rate, all due messages are sent, however late; without one, a short test may send none.
        string[] all = [host.Tcp.ToString()!, "--json", .. args];
        var (code, output, errors) = args.Contains("--rate")
            ? await LoadAsync([.. all, "--duration", Text(Duration)])
            : await LoadForAsync(run => TestCommand.HasLoaded(run.Output), all);
        Assert.Equal(0, code);
        Assert.Empty(errors);
        var result = JsonDocument.Parse(Assert.Single(output)).RootElement;
        AssertShape(result);
        Assert.Equal(args.Contains("--reconnect") ? ["addresses"] : [], result.EnumerateObject().Skip(8).Select(p => p.Name));
        if (args.Contains("--reconnect"))
        {
            Assert.Equal($"{{\"{host.Tcp}\":{result.GetProperty("connections").GetInt64()}}}", result.GetProperty("addresses").GetRawText());
        }

        Assert.Empty(result.GetProperty("errors").EnumerateObject());
        Assert.Equal(0, result.GetProperty("mismatches").GetInt64());
        var (messages, seconds) = (result.GetProperty("messages").GetInt64(), result.GetProperty("seconds").GetDouble());
        Assert.InRange(seconds, TestScale.Of(190, 2_990) / 1000.0, Wait.Limit.TotalSeconds);
        Assert.InRange(result.GetProperty("messagesPerSecond").GetDouble(), messages / seconds * 0.98, messages / seconds * 1.02);
        Assert.Equal(
            args.Contains("--reconnect") ? messages : int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture),
            result.GetProperty("connections").GetInt64());
        Assert.True(!args.Contains("--rate") || messages == TestScale.Of(100, 1_500), $"{messages}");
        double[] latencies = [.. result.GetProperty("latencyMicroseconds").EnumerateObject().Where(p => p.Name != "mean").Select(p => p.Value.GetDouble())];
        Assert.Equal(latencies.Order(), latencies);
        Assert.True(latencies[0] > 0, $"{latencies[0]}");
    }

    [Fact]
    public async Task TLS_and_PROXY_headers_go_together()
    {
        using var certificate = new TestCertificate();
        await using var host = await EchoHostFixture.StartAsync(
            [.. certificate.Settings, "Echo:LogMessages=false", "Echo:Endpoints:Tls:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.0/8"]);
        var (code, output, errors) = await LoadAsync(
            $"tls://{host.EndPoints["Tls"]}",
            "--ca", certificate.CertificatePath,
            "--proxy", "v2",
            "--proxy-source", "203.0.113.7:1",
            "--connections", "3",
            "--size", "20000",
            "--pipeline", "2",
            "--duration", Text(Duration),
            "--json");
        Assert.Equal((0, 0), (code, errors.Length));
        AssertShape(JsonDocument.Parse(Assert.Single(output)).RootElement);
        Assert.Contains(host.Log.Lines, line => line.StartsWith("Peer 203.0.113.7:1 connecting (via ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_peer_that_changes_a_byte_has_mismatches()
    {
        await using var peer = OddPeer.Start(Odd.Changing(63, 64));
        var result = await FailAsync(peer, "--connections", "2");
        Assert.True(result.GetProperty("mismatches").GetInt64() > 0);
        Assert.Equal(
            result.GetProperty("mismatches").GetInt64(),
            Assert.Single(result.GetProperty("errors").EnumerateObject(), e => e.Name == "mismatch").Value.GetInt64());
        Assert.Equal(0, result.GetProperty("messages").GetInt64());
    }

    [Theory]
    [InlineData]
    [InlineData("--rate", "100")]
    [InlineData("--reconnect")]
    public async Task A_silent_peer_has_timeouts_and_the_test_ends(params string[] args)
    {
        await using var peer = OddPeer.Start(Odd.Silent);
        // In too short a time there may not even be a connection, and so no result.
        var (code, output, errors) = await Wait.PatientlyAsync(
            TimeSpan.FromMilliseconds(100),
            limit => LoadAsync(
                [peer.EndPoint.ToString(), "--duration", Text(Duration), "--json", "--connections", "2", "--timeout", $"{limit.TotalMilliseconds}ms", .. args]),
            run => run.Errors.Length == 0);
        Assert.Equal(1, code);
        Assert.Empty(errors);
        var result = JsonDocument.Parse(Assert.Single(output)).RootElement;
        AssertShape(result);
        Assert.Equal("timeout", Assert.Single(result.GetProperty("errors").EnumerateObject()).Name);
        Assert.Equal(0, result.GetProperty("mismatches").GetInt64());
    }

    [Fact]
    public async Task A_peer_that_ends_is_closed()
    {
        await using var peer = OddPeer.Start(Odd.EndingAfter(10));
        var (code, output, _) = await LoadForAsync(run => run.Code == 1, peer.EndPoint.ToString(), "--connections", "1");
        Assert.Equal(1, code);
        Assert.Matches("^[0-9]+ errors? \\(closed [0-9]+\\), the first: closed: closed by the peer", output[^1]);
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_one_line()
    {
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var (code, output, errors) = await LoadAsync(bound.LocalEndPoint!.ToString()!, "--connections", "3", "--duration", "1h");
        Assert.Equal(1, code);
        Assert.Equal($"EchoHost: {bound.LocalEndPoint} refused: Connection refused", Assert.Single(errors));
        Assert.Empty(output);
    }

    [Theory]
    [InlineData]
    [InlineData("--rate", "1000")]
    [InlineData("--reconnect")]
    public async Task A_signal_prints_the_result_early(params string[] args)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        await using var host = await EchoHostFixture.StartAsync("Echo:LogMessages=false");
        using var program = EchoHostProcess.Start(
            ["load", host.Tcp.ToString()!, "--connections", "2", "--duration", "1h", "--timeout", "1m", "--json", .. args]);
        // Each connection has one message in flight, so the others came back.
        await Wait.UntilAsync(async () => await MessagesAsync(host) > 10, "messages came back");
        program.Signal(PosixSignal.SIGINT);
        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Empty(program.Errors);
        AssertShape(JsonDocument.Parse(Assert.Single(program.Output)).RootElement);
    }

    [Fact]
    public async Task A_signal_while_connecting_is_a_failure()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        await using var peer = OddPeer.Start(Odd.Silent);
        // The peer does not speak TLS, so the handshakes wait.
        using var program = EchoHostProcess.Start(["load", $"tls://{peer.EndPoint}", "--timeout", "1h"]);
        await Wait.UntilAsync(() => peer.Accepted > 0, "it connects");
        program.Signal(PosixSignal.SIGINT);
        Assert.Equal(1, await program.WaitForExitAsync());
        Assert.Equal("EchoHost: stopped before the first message", Assert.Single(program.Errors));
        Assert.StartsWith($"0 messages in ", program.Output.ElementAt(1), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HOST:PORT is 'no where': 'no where' is not a host name or an IP address", "no where")]
    [InlineData("--connections is '0'; expected a whole number from 1 to 100000", "127.0.0.1:1", "--connections", "0")]
    [InlineData("--size is '16777217'; expected a whole number from 1 to 16777216", "127.0.0.1:1", "--size", "16777217")]
    [InlineData("--pipeline is '1.5'; expected a whole number from 1 to 10000", "127.0.0.1:1", "--pipeline", "1.5")]
    [InlineData("--rate is '-5'; expected a whole number from 1 to 10000000", "127.0.0.1:1", "--rate=-5")]
    [InlineData("--duration is '0s'; expected 1 ms to 24 days", "127.0.0.1:1", "--duration", "0s")]
    [InlineData("--duration is 'NaN'; expected a time", "127.0.0.1:1", "--duration", "NaN")]
    [InlineData("--pipeline is '2', but with --reconnect each connection has one message", "127.0.0.1:1", "--pipeline", "2", "--reconnect")]
    [InlineData("--ca needs --tls", "127.0.0.1:1", "--ca", "f")]
    [InlineData("'--jsn' is neither an option nor an argument of this command", "127.0.0.1:1", "--jsn")]
    [InlineData("", "127.0.0.1:1", "text")]
    [InlineData("", "127.0.0.1:1", "--rate")]
    [InlineData("HOST:PORT is missing")]
    public async Task What_is_wrong_is_one_line_and_exit_code_2(string line, params string[] args)
    {
        var (code, output, errors) = await LoadAsync(args);
        Assert.Equal(2, code);
        Assert.StartsWith($"EchoHost: {line}", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Empty(output);
    }

    /// <summary>The documented keys in their order, and p99.99.</summary>
    private static void AssertShape(JsonElement result)
    {
        Assert.Equal(
            ["messages", "messagesPerSecond", "bytesPerSecond", "connections", "errors", "mismatches", "seconds", "latencyMicroseconds"],
            result.EnumerateObject().Select(p => p.Name).Take(8));
        Assert.Equal(
            ["min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"],
            result.GetProperty("latencyMicroseconds").EnumerateObject().Select(p => p.Name));
        Assert.True(result.GetProperty("messages").GetInt64() >= 0);
    }

    private static async Task<JsonElement> FailAsync(OddPeer peer, params string[] args)
    {
        var (code, output, errors) = await LoadForAsync(run => run.Code == 1, [peer.EndPoint.ToString(), "--json", .. args]);
        Assert.Equal(1, code);
        Assert.Empty(errors);
        var result = JsonDocument.Parse(Assert.Single(output)).RootElement;
        AssertShape(result);
        return result;
    }

    private static Task<long> MessagesAsync(EchoHostFixture host) => host.CounterAsync("echohost_messages_total{endpoint=\"Tcp\"}");

    private static string Text(TimeSpan time) => $"{time.TotalMilliseconds}ms";

    /// <summary>Runs a short load, and longer ones if a pause of the machine used up the time.</summary>
    private static Task<(int Code, string[] Output, string[] Errors)> LoadForAsync(
        Predicate<(int Code, string[] Output, string[] Errors)> isDone,
        params string[] args) =>
        Wait.PatientlyAsync(Duration, duration => LoadAsync([.. args, "--duration", Text(duration)]), isDone);

    /// <summary>The default time limit may be too short for a machine that pauses.</summary>
    private static Task<(int Code, string[] Output, string[] Errors)> LoadAsync(params string[] args) =>
        TestCommand.RunAsync(["load", .. args.Contains("--timeout") ? Array.Empty<string>() : ["--timeout", "1m"], .. args]);
}
