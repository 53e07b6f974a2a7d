using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using EchoHost.Peers;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

/// <summary><c>EchoHost who</c> against this host and against other peers.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public sealed class WhoCommandTests
{
    private const string Service = "Echo:Endpoints:Tcp:Service=Who";

    [Fact]
    public async Task A_person_gets_the_answer_aligned()
    {
        await using var host = await EchoHostFixture.StartAsync(Service, "Instance:Name=echo-1", "Instance:Labels:zone=b", "Instance:Labels:node=n7");
        var (code, output, errors) = await WhoAsync(host.Tcp.ToString()!);
        Assert.Equal(0, code);
        Assert.Empty(errors);
        Assert.Matches($"^Connected to {host.Tcp}: connect [0-9]+\\.[0-9]{{3}} ms; answer [0-9]+\\.[0-9]{{3}} ms$", output[0]);
        Assert.Equal(["instance    echo-1", "labels      node n7, zone b"], output[1..3]);
        Assert.Contains("endpoint    Tcp", output);
        Assert.Contains("tls         -", output);
        Assert.All(output[1..], line => Assert.Matches("^[a-z]+ +[^ ]", line));
    }

    [Fact]
    public async Task JSON_is_the_line()
    {
        await using var host = await EchoHostFixture.StartAsync(Service, "Instance:Name=echo-1");
        var (code, output, errors) = await WhoAsync(host.Tcp.ToString()!, "--json");
        Assert.Equal(0, code);
        Assert.Empty(errors);
        var answer = JsonDocument.Parse(Assert.Single(output)).RootElement;
        Assert.Equal(
            ["instance", "labels", "version", "endpoint", "connection", "time", "peer", "via", "local", "proxy", "tls", "tcp"],
            answer.EnumerateObject().Select(p => p.Name));
        Assert.Equal("echo-1", answer.GetProperty("instance").GetString());
    }

    [Fact]
    public async Task A_count_gives_the_spread()
    {
        await using var host = await EchoHostFixture.StartAsync(Service, "Instance:Name=echo-1");
        var (code, output, errors) = await WhoAsync(host.Tcp.ToString()!, "--count", "40", "--json");
        Assert.Equal(0, code);
        Assert.Empty(errors);
        var result = JsonDocument.Parse(Assert.Single(output)).RootElement;
        Assert.Equal(40, result.GetProperty("connections").GetInt32());
        var instance = Assert.Single(result.GetProperty("instances").EnumerateArray());
        Assert.Equal("echo-1", instance.GetProperty("instance").GetString());
        Assert.Equal((40, 1.0), (instance.GetProperty("connections").GetInt32(), instance.GetProperty("share").GetDouble()));
        Assert.All(["connectMicroseconds", "answerMicroseconds"], name =>
        {
            var times = instance.GetProperty(name);
            Assert.InRange(times.GetProperty("p50").GetDouble(), 0.1, times.GetProperty("p99").GetDouble());
        });
        Assert.Equal("{}", result.GetProperty("errors").GetRawText());
        Assert.Equal("""{"count":1,"withSeveralInstances":0}""", result.GetProperty("sourceAddresses").GetRawText());

        (_, output, _) = await WhoAsync(host.Tcp.ToString()!, "--count", "40", "--parallel", "1");
        Assert.Equal($"{host.Tcp}: 40 connections answered", output[0]);
        Assert.Matches("^echo-1 +40  100\\.0 %    1\\.00  ", output[3]);
        Assert.Equal(
            ["One instance answered all of them.", "The connections came from one source address, which met one instance.", "no errors"],
            output[^3..]);
    }

    /// <summary>Every answer is an instance of its own: too few connections each, and one source address that met them all.</summary>
    [Fact]
    public async Task Many_instances_are_told_apart()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync(Encoding.UTF8.GetBytes($$"""{"instance":"echo-{{connection.Number % 4}}"}""" + "\n"));
            await connection.EndAsync();
        });
        var (code, output, _) = await WhoAsync(peer.EndPoint.ToString(), "--count", "8", "--json");
        Assert.Equal(0, code);
        var result = JsonDocument.Parse(output[0]).RootElement;
        Assert.Equal(
            ["echo-0 2", "echo-1 2", "echo-2 2", "echo-3 2"],
            result.GetProperty("instances").EnumerateArray().Select(i => $"{i.GetProperty("instance")} {i.GetProperty("connections")}"));
        Assert.Equal(JsonValueKind.Null, result.GetProperty("moreThanChance").ValueKind);
        Assert.Equal(1, result.GetProperty("sourceAddresses").GetProperty("withSeveralInstances").GetInt32());
    }

    [Fact]
    public async Task Failures_are_counted_by_class_and_the_rest_still_shown()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync(connection.Number % 2 == 0 ? "{\"instance\":\"echo-1\"}\n"u8.ToArray() : "{\"instance"u8.ToArray());
            await connection.EndAsync();
        });
        var (code, output, errors) = await WhoAsync(peer.EndPoint.ToString(), "--count", "10", "--parallel", "1", "--json");
        Assert.Equal(1, code);
        Assert.Empty(errors);
        var result = JsonDocument.Parse(output[0]).RootElement;
        Assert.Equal(5, result.GetProperty("connections").GetInt32());
        Assert.Equal("""{"closed":5}""", result.GetProperty("errors").GetRawText());
    }

    /// <summary>What answers there is no <c>Who</c> endpoint, or a broken one.</summary>
    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n", "mismatch: the answer is not a line of JSON, as a Who endpoint's is: \"HTTP/1.1 400 Bad Request\\r\"")]
    [InlineData("{\"name\":\"echo-1\"}\n", "mismatch: the answer names no instance (1 to 256 characters), as a Who endpoint's does: ")]
    [InlineData("{\"instance\":5}\n", "mismatch: the answer names no instance")]
    [InlineData("[]\n", "mismatch: the answer names no instance")]
    [InlineData("\n", "mismatch: the answer is not a line of JSON")]
    [InlineData("{\"instance\":\"a\"}\n{\"instance\":\"b\"}\n", "mismatch: more than one line came: ")]
    [InlineData("{\"instance\":\"ec", "closed: closed by the peer after 15 bytes of a line, ")]
    [InlineData("", "closed: closed by the peer before a byte came back, after ")]
    public async Task A_wrong_answer_is_one_sentence(string answer, string problem)
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync(Encoding.UTF8.GetBytes(answer));
            await connection.EndAsync();
        });
        var (code, output, errors) = await WhoAsync(peer.EndPoint.ToString());
        Assert.Equal(1, code);
        Assert.Empty(output);
        Assert.StartsWith($"EchoHost: {peer.EndPoint} {problem}", Assert.Single(errors), StringComparison.Ordinal);
    }

    /// <summary>Valid for a parser that does not look into texts, but no text can be made of it.</summary>
    [Theory]
    [InlineData("{\"instance\":\"a\",\"x\":\"\\ud800\"}")]
    [InlineData("{\"instance\":\"a\",\"\\udc00\":1}")]
    [InlineData("{\"instance\":\"a\",\"x\":[{\"y\":\"\u00ff\"}]}")]
    public async Task Text_that_is_none_is_a_mismatch(string answer)
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            // One byte a character: the last answer is not UTF-8.
            await connection.WriteAsync(Encoding.Latin1.GetBytes($"{answer}\n"));
            await connection.EndAsync();
        });
        foreach (var args in new string[][] { [], ["--json"] })
        {
            var (code, output, errors) = await WhoAsync([peer.EndPoint.ToString(), .. args]);
            Assert.Equal(1, code);
            Assert.Empty(output);
            Assert.Contains("mismatch: the answer is not a line of JSON", Assert.Single(errors), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task JSON_is_written_anew_without_control_characters()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync("{\r\t\"instance\" : \"a\u009b2J\",\"n\":1.50}\n"u8.ToArray());
            await connection.EndAsync();
        });
        var (_, output, _) = await WhoAsync(peer.EndPoint.ToString(), "--json");
        Assert.Equal(["{\"instance\":\"a\\u009B2J\",\"n\":1.50}"], output);
    }

    [Fact]
    public async Task A_line_may_come_byte_by_byte()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            foreach (var b in "{\"instance\":\"echo-1\"}\n"u8.ToArray())
            {
                await connection.WriteAsync(new[] { b });
            }

            await connection.EndAsync();
        });
        var (code, output, _) = await WhoAsync(peer.EndPoint.ToString(), "--json");
        Assert.Equal(0, code);
        Assert.Equal(["{\"instance\":\"echo-1\"}"], output);
    }

    [Fact]
    public async Task Half_a_line_and_a_reset_is_a_reset()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync("{\"inst"u8.ToArray());
            await connection.ReadAsync(1);
            connection.Reset();
        });
        using var transport = new PeerTransport(loops: 1);
        var client = new PeerClient(transport.Connections(continuesOnLoop: false), NameLookups.OfSystem(), new PeerLink(), TimeProvider.System);
        using var limit = new TimeLimit(Wait.Limit, TimeProvider.System, CancellationToken.None);
        await using var connection = await client.ConnectAsync(peer.Target, limit);
        var reading = connection.ReadLineAsync(limit);
        await connection.Output.WriteAsync("x"u8.ToArray());
        var failure = await Assert.ThrowsAsync<PeerException>(() => reading.WaitAsync(Wait.Limit));
        Assert.Equal(ProbeResult.Reset, failure.Result);
    }

    [Fact]
    public async Task Half_a_line_and_silence_is_a_timeout()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync("{\"inst"u8.ToArray());
            await connection.DoNothingAsync();
        });
        var (code, _, errors) = await Wait.PatientlyAsync(
            TimeSpan.FromMilliseconds(50),
            limit => TestCommand.RunAsync("who", peer.EndPoint.ToString(), "--timeout", $"{limit.TotalMilliseconds}ms"),
            result => result.Errors.Any(line => line.Contains("of a line", StringComparison.Ordinal)));
        Assert.Equal(1, code);
        Assert.StartsWith(
            $"EchoHost: {peer.EndPoint} timeout: connected, but only 6 bytes of a line came within ", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_TLS_the_first_line_tells_of_TLS()
    {
        using var certificate = new TestCertificate();
        await using var host = await EchoHostFixture.StartAsync([.. certificate.Settings, "Echo:Endpoints:Tls:Service=Who"]);
        var (code, output, errors) = await WhoAsync(
            host.EndPoints["Tls"].ToString()!, "--tls", "--servername", "localhost", "--ca", certificate.CertificatePath);
        Assert.Empty(errors);
        Assert.Equal(0, code);
        Assert.Matches(@"connect [0-9.]+ ms, TLS [0-9.]+ ms \(Tls13 TLS_[A-Z0-9_]+\); answer [0-9.]+ ms$", output[0]);
        Assert.Contains(output, line => line.StartsWith("tls         protocol TLSv1.3, cipher TLS_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Names_without_end_are_counted_but_not_kept()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync(Encoding.UTF8.GetBytes($"{{\"instance\":\"{connection.Number}\"}}\n"));
            await connection.EndAsync();
        });
        var (code, output, _) = await WhoAsync(peer.EndPoint.ToString(), "--count", "1010", "--json");
        Assert.Equal(0, code);
        var result = JsonDocument.Parse(output[0]).RootElement;
        Assert.Equal(1010, result.GetProperty("connections").GetInt32());
        Assert.Equal(1000, result.GetProperty("instances").GetArrayLength());
        Assert.Equal(10, result.GetProperty("byOtherInstances").GetInt32());
    }

    [Fact]
    public async Task A_line_without_end_is_given_up()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync(Enumerable.Repeat((byte)'x', 100_000).ToArray());
            await connection.DoNothingAsync();
        });
        var (code, _, errors) = await WhoAsync(peer.EndPoint.ToString());
        Assert.Equal(1, code);
        Assert.Contains("mismatch: more than 65536 bytes came without the end of a line: \"xxx", Assert.Single(errors), StringComparison.Ordinal);
    }

    /// <summary>What an endpoint says could mislead a terminal.</summary>
    [Fact]
    public async Task Control_characters_of_an_answer_are_escaped()
    {
        await using var peer = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync("""{"instance":"a\u001b[2Jb","x\u0007":["\r",{"y":1,"z":null}]}"""u8.ToArray());
            await connection.WriteAsync("\n"u8.ToArray());
            await connection.EndAsync();
        });
        var (_, output, _) = await WhoAsync(peer.EndPoint.ToString());
        Assert.Equal(["instance  a\\x1b[2Jb", "x\\x07     \\r, (y 1)"], output[1..]);
    }

    [Fact]
    public async Task An_echo_endpoint_waits_for_a_message()
    {
        await using var host = await EchoHostFixture.StartAsync();
        var (code, _, errors) = await Wait.PatientlyAsync(
            TimeSpan.FromMilliseconds(50),
            limit => TestCommand.RunAsync("who", host.Tcp.ToString()!, "--timeout", $"{limit.TotalMilliseconds}ms"),
            result => result.Errors.Any(line => line.Contains("nothing came", StringComparison.Ordinal)));
        Assert.Equal(1, code);
        Assert.StartsWith(
            $"EchoHost: {host.Tcp} timeout: connected, but nothing came unasked, as from a Who endpoint "
                + "(an echo endpoint, or one that waits for a PROXY header?), within ",
            Assert.Single(errors),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_other_commands_say_that_a_Who_endpoint_answers()
    {
        await using var host = await EchoHostFixture.StartAsync(Service);
        // A pause of the machine between connecting and sending ends in a reset, after which the answer is lost.
        var (code, output, _) = await UntilAnsweredAsync("send", host.Tcp.ToString()!, "Hello", "--timeout", "1m");
        Assert.Equal(1, code);
        const string hint = "; a Who endpoint answers there, not an echo endpoint (ask it with: EchoHost who)";
        Assert.StartsWith($"{host.Tcp}: seq=1 mismatch: byte 1 of 5 came back different{hint}: \"{{\\\"instance", output[1], StringComparison.Ordinal);
        (code, output, _) = await UntilAnsweredAsync("load", host.Tcp.ToString()!, "--connections", "1", "--duration", "50ms", "--timeout", "1m");
        Assert.Equal(1, code);
        Assert.EndsWith($"something else came back in place of message 1 of connection 1{hint}", output[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_load_test_can_ask_meanwhile()
    {
        await using var host = await EchoHostFixture.StartAsync(
            "Echo:Endpoints:Who:Url=tcp://127.0.0.1:0", "Echo:Endpoints:Who:Service=Who", "Instance:Name=echo-1");
        var who = host.EndPoints["Who"].ToString()!;
        Task<(int Code, string[] Output, string[] Errors)> LoadAsync(params string[] options) => Wait.PatientlyAsync(
            TimeSpan.FromMilliseconds(200),
            limit => TestCommand.RunAsync(
                ["load", host.Tcp.ToString()!, "--connections", "1", "--duration", $"{limit.TotalSeconds}s", "--timeout", "1m", "--who", who, .. options]),
            run => TestCommand.HasLoaded(run.Output));
        var (code, output, _) = await LoadAsync("--json");
        Assert.Equal(0, code);
        var survey = JsonDocument.Parse(output[0]).RootElement.GetProperty("who");
        Assert.Equal("echo-1", Assert.Single(survey.GetProperty("instances").EnumerateArray()).GetProperty("instance").GetString());
        (code, output, _) = await LoadAsync();
        Assert.Equal(0, code);
        Assert.Contains(output, line => line.StartsWith("echo-1  ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_load_test_shows_what_fails_meanwhile()
    {
        await using var host = await EchoHostFixture.StartAsync();
        // A machine that pauses may begin no message in so short a time, or end none.
        var (code, output, _) = await Wait.PatientlyAsync(
            Wait.Limit / 1000,
            limit => TestCommand.RunAsync(
                "load", host.Tcp.ToString()!, "--connections", "1", "--duration", $"{limit.TotalSeconds / 2}s", "--timeout", $"{10 * limit.TotalSeconds}s",
                "--who", host.Tcp.ToString()!, "--json"),
            run => run.Code == 0);
        Assert.Equal(0, code);
        Assert.True(JsonDocument.Parse(output[0]).RootElement.GetProperty("who").GetProperty("errors").GetProperty("timeout").GetInt32() > 0);
    }

    [Fact]
    public async Task A_signal_shows_the_spread_until_then()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        await using var peer = OddPeer.Start(async connection =>
        {
            if (connection.Number < 3)
            {
                await connection.WriteAsync("{\"instance\":\"echo-1\"}\n"u8.ToArray());
                await connection.EndAsync();
            }

            await connection.DoNothingAsync();
        });
        using var program = EchoHostProcess.Start(["who", peer.EndPoint.ToString(), "--count", "100", "--parallel", "1", "--timeout", "1h", "--json"]);
        await Wait.UntilAsync(() => peer.Accepted == 4, "three were answered");
        program.Signal(PosixSignal.SIGINT);
        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Equal(3, JsonDocument.Parse(Assert.Single(program.Output)).RootElement.GetProperty("connections").GetInt32());
    }

    [Theory]
    [InlineData("HOST:PORT is missing")]
    [InlineData("--count is '0'; expected a whole number from 1 to 1000000", "127.0.0.1", "--count", "0")]
    [InlineData("--parallel is '1001'; expected a whole number from 1 to 1000", "127.0.0.1", "--count", "1", "--parallel", "1001")]
    [InlineData("--parallel is '5', but --count is not given", "127.0.0.1", "--parallel", "5")]
    [InlineData("--ca needs --tls", "127.0.0.1", "--ca", "x")]
    public async Task What_is_wrong_is_one_line_and_exit_code_2(string line, params string[] args)
    {
        var (code, output, errors) = await WhoAsync(args);
        Assert.Equal(2, code);
        Assert.StartsWith($"EchoHost: {line}", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Empty(output);
    }

    private static async Task<(int Code, string[] Output, string[] Errors)> UntilAnsweredAsync(params string[] args)
    {
        for (var tries = 0; ; tries++)
        {
            var result = await TestCommand.RunAsync(args);
            if (tries == 5 || result.Output.Any(line => line.Contains("Who endpoint", StringComparison.Ordinal)))
            {
                return result;
            }
        }
    }

    /// <summary>The default time limit may be too short for a machine that pauses.</summary>
    private static Task<(int Code, string[] Output, string[] Errors)> WhoAsync(params string[] args) =>
        TestCommand.RunAsync(["who", .. args, "--timeout", "1m"]);
}
