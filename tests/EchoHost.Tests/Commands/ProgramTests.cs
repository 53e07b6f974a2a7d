using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

/// <summary>The program as a process: exit codes, lines on standard error, signals.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public class ProgramTests
{
    [Theory]
    [InlineData("--Echo:LogMesages=false", "Echo:LogMesages is not a key that this host knows (value 'false')")]
    [InlineData("--Echo:Limits:IdleTimeout=30", "Echo:Limits:IdleTimeout is '30'; expected a time as in 500ms, 30s, 2m, 1h or 00:00:30")]
    [InlineData("--Echo:Limits:MaxConnections=2000000000", "Echo:Limits:MaxConnections is '2000000000', but the limit of ")]
    [InlineData("--Echo:Endpoints:Tcp:Url=tls://*:5555", "Echo:Endpoints:Tcp:Certificate:Path is not set")]
    [InlineData("--Echo:Endpoints:Far:Url=tcp://192.0.2.1:5555", "Echo:Endpoints:Far:Url is 'tcp://192.0.2.1:5555': this machine has no address 192.0.2.1")]
    [InlineData("--Logging:Format=xml", "Logging:Format is 'xml'; expected text or json")]
    [InlineData("--urls=https://localhost:1", "Urls is 'https://localhost:1'; expected http://HOST:PORT")]
    [InlineData("--Echo:Limits:IdleTimeout=", "Echo:Limits:IdleTimeout is ''; expected a time as in 500ms")]
    [InlineData("--OTEL_EXPORTER_OTLP_ENDPOINT=nonsense", "OTEL_EXPORTER_OTLP_ENDPOINT is 'nonsense'; expected http://HOST:PORT")]
    [InlineData("--urls=http://192.0.2.1:9191", "Urls is 'http://192.0.2.1:9191': this machine has no address 192.0.2.1")]
    [InlineData("--Echo:LogMessages=a\nb\u001b[31m", "Echo:LogMessages is 'a\\x0ab\\x1b[31m'; expected true or false")]
    [InlineData("nonsense", "'nonsense' is neither a command nor a setting")]
    [InlineData("--Echo:LogMessages", "'--Echo:LogMessages' has no value")]
    public async Task A_wrong_configuration_is_one_line_and_exit_code_2(string argument, string line)
    {
        using var program = EchoHostProcess.Start(["--urls=http://127.0.0.1:0", argument], ("PORT", "0"));
        Assert.Equal(2, await program.WaitForExitAsync());
        Assert.StartsWith($"EchoHost: {line}", Assert.Single(program.Errors), StringComparison.Ordinal);
        Assert.Empty(program.Output);
    }

    [Fact]
    public async Task A_wrong_OTLP_setting_is_one_line_and_exit_code_2()
    {
        using var program = EchoHostProcess.Start(
            ["--urls=http://127.0.0.1:0"],
            ("PORT", "0"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "bogus"));
        Assert.Equal(2, await program.WaitForExitAsync());
        Assert.StartsWith("EchoHost: OTEL_EXPORTER_OTLP_HEADERS can't be read", Assert.Single(program.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_PORT_is_one_line_and_exit_code_2()
    {
        using var program = EchoHostProcess.Start([], ("PORT", "70000"));
        Assert.Equal(2, await program.WaitForExitAsync());
        Assert.Equal("EchoHost: PORT is '70000'; expected a port, 0 to 65535", Assert.Single(program.Errors));
    }

    [Fact]
    public async Task A_port_in_use_names_PORT_where_that_decided()
    {
        await using var first = await EchoHostFixture.StartAsync("Echo:Endpoints:Tcp:Url=tcp://*:0");
        var port = ((IPEndPoint)first.Tcp).Port;
        using var second = EchoHostProcess.Start(["--urls=http://127.0.0.1:0"], ("PORT", $"{port}"));
        Assert.Equal(1, await second.WaitForExitAsync());
        Assert.Equal($"EchoHost: PORT is '{port}': port {port} is in use", Assert.Single(second.Errors));
    }

    [Fact]
    public async Task SIGHUP_drains_too()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        using var host = await EchoHostProcess.StartHostAsync();
        using var client = await EchoClient.ConnectAsync(host.Tcp);
        await client.EchoAsync("hello");
        host.Signal(PosixSignal.SIGHUP);
        Assert.Empty(await client.ReceiveToEndAsync());
        client.Dispose();
        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.Contains(host.Output, l => l.EndsWith("Drained", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_request_that_is_never_finished_does_not_hold_the_stop()
    {
        // Kestrel alone would wait for it for the maximum duration of a drain.
        using var host = await EchoHostProcess.StartHostAsync(["--Echo:Shutdown:GracePeriod=00:10:00"]);
        using var half = await EchoClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, host.HttpUrl!.Port));
        await half.SendAsync("GET /health HTTP/1.1\r\nHost: ");
        host.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await host.WaitForExitAsync());
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("*")]
    public async Task A_port_in_use_is_one_line_and_exit_code_1(string host)
    {
        await using var first = await EchoHostFixture.StartAsync("Echo:Endpoints:Tcp:Url=tcp://*:0");
        var port = ((IPEndPoint)first.Tcp).Port;
        using var second = EchoHostProcess.Start(["--urls=http://127.0.0.1:0", $"--Echo:Endpoints:Tcp:Url=tcp://{host}:{port}"]);
        Assert.Equal(1, await second.WaitForExitAsync());
        Assert.Equal($"EchoHost: Echo:Endpoints:Tcp:Url is 'tcp://{host}:{port}': port {port} is in use", Assert.Single(second.Errors));
        Assert.Empty(second.Output);
        using var client = await first.ConnectAsync();
        await client.EchoAsync("unharmed");
    }

    [Fact]
    public async Task An_HTTP_port_in_use_is_one_line_and_exit_code_1()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using var program = EchoHostProcess.Start([$"--urls=http://127.0.0.1:{port}"], ("PORT", "0"));
        Assert.Equal(1, await program.WaitForExitAsync());
        Assert.Equal($"EchoHost: Urls is 'http://127.0.0.1:{port}': port {port} is in use", Assert.Single(program.Errors));
    }

    [Theory]
    [InlineData(PosixSignal.SIGTERM)]
    [InlineData(PosixSignal.SIGINT)]
    public async Task A_signal_drains_and_ends_with_0(PosixSignal signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        using var host = await EchoHostProcess.StartHostAsync();
        using var client = await EchoClient.ConnectAsync(host.Tcp);
        await client.EchoAsync("hello");
        host.Signal(signal);
        Assert.Empty(await client.ReceiveToEndAsync());
        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.Empty(host.Errors);
        Assert.EndsWith("Drained", host.Output.Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        // Without the second signal this would outlast every wait here.
        using var host = await EchoHostProcess.StartHostAsync(["--Echo:Shutdown:ReadinessDelay=00:10:00"]);
        using var client = await EchoClient.ConnectAsync(host.Tcp);
        await client.EchoAsync("hello");
        host.Signal(PosixSignal.SIGTERM);
        await Wait.UntilAsync(() => host.Output.Any(l => l.Contains("Draining", StringComparison.Ordinal)), "the drain has begun");
        var exit = host.WaitForExitAsync();
        while (!exit.IsCompleted)
        {
            host.Signal(PosixSignal.SIGTERM);
            await Task.WhenAny(exit, Task.Delay(400, CancellationToken.None));
        }

        Assert.Equal(0, await exit);
        Assert.Contains(host.Output, l => l.EndsWith("ending 1 connections at once", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_standard_output_that_nobody_reads_holds_neither_the_echo_nor_the_stop()
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "needs a shell");
        // The read end of the pipe is open but never read.
        using var reader = Process.Start(new ProcessStartInfo("/bin/sleep", ["600"]) { RedirectStandardInput = true })!;
        using var held = new HeldPort();
        var port = held.Port;
        var script = $"exec '{TestProgram.File}' --urls=http://127.0.0.1:0 --Echo:Endpoints:Tcp:Url=tcp://{held.Name} "
            + $"--Echo:MessageLogLimit=100000 > /proc/{reader.Id}/fd/0 2>/dev/null";
        using var shell = Process.Start(TestProgram.StartInfo("/bin/sh", "-c", script))!;
        try
        {
            using var client = await ConnectPatientlyAsync(new IPEndPoint(IPAddress.Loopback, port));
            // With three lines each, far more than a pipe holds.
            for (var i = 0; i < TestScale.Of(800, 4000); i++)
            {
                using var passing = await EchoClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
                await passing.EchoAsync("x");
            }

            await client.EchoAsync("not held up");
            using var kill = Process.Start("/bin/kill", ["-TERM", $"{shell.Id}"]);
            await shell.WaitForExitAsync().WaitAsync(Wait.Limit);
            Assert.Equal(0, shell.ExitCode);
        }
        finally
        {
            reader.Kill();
            if (!shell.HasExited)
            {
                shell.Kill();
            }
        }
    }

    private static async Task<EchoClient> ConnectPatientlyAsync(IPEndPoint target)
    {
        EchoClient? client = null;
        await Wait.UntilAsync(
            async () =>
            {
                try
                {
                    client = await EchoClient.ConnectAsync(target);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            "the host listens");
        return client!;
    }

    [Fact]
    public async Task Health_asks_a_running_host()
    {
        await using var host = await EchoHostFixture.StartAsync();
        var url = host.Http.BaseAddress!;
        using (var healthy = await EchoHostProcess.UntilHealthyAsync(["health", url.ToString()]))
        {
            Assert.StartsWith("{\"status\":\"Healthy\"", Assert.Single(healthy.Output), StringComparison.Ordinal);
        }

        // Without a URL it asks where its own configuration says.
        using (await EchoHostProcess.UntilHealthyAsync(["health"], ("ASPNETCORE_URLS", $"http://+:{url.Port}")))
        {
        }

        await host.BeginStop().WaitAsync(Wait.Limit);
        var (code, _, errors) = await TestCommand.RunAsync("health", url.ToString());
        Assert.Equal(1, code);
        Assert.StartsWith($"EchoHost: {url}health/ready: ", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_asks_a_host_that_requires_PROXY_headers()
    {
        await using var host = await EchoHostFixture.StartAsync("Http:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.1");
        using var health = await EchoHostProcess.UntilHealthyAsync(
            ["health"],
            ("ASPNETCORE_URLS", host.Http.BaseAddress!.ToString()),
            ("Http__ProxyProtocol", "Required"));
    }

    [Fact]
    public async Task Health_of_no_URL_is_wrong_usage()
    {
        var (code, _, errors) = await TestCommand.RunAsync("health", "somewhere");
        Assert.Equal(2, code);
        Assert.Equal("EchoHost: 'somewhere' is not a URL; expected http://HOST:PORT", Assert.Single(errors));
    }

    [Fact]
    public async Task A_command_explains_itself()
    {
        using var program = EchoHostProcess.Start(["send", "--help"]);
        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Contains("  EchoHost send <HOST:PORT> [<TEXT>] [options]", program.Output);
        Assert.Contains(program.Output, l => l.Contains("--servername <NAME>", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_commands_explain_themselves()
    {
        using var program = EchoHostProcess.Start(["--help"]);
        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Contains(program.Output, l => l.Contains("serve", StringComparison.Ordinal));
        Assert.Contains(program.Output, l => l.Contains("health", StringComparison.Ordinal));
        Assert.Contains("  EchoHost [command] [options] [--Key=Value …]", program.Output);
        Assert.DoesNotContain(program.Output, l => l.Contains("]]", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_framework_variables_for_ports_cause_no_warning()
    {
        using var host = await EchoHostProcess.StartHostAsync([], ("ASPNETCORE_HTTP_PORTS", "8080"), ("ASPNETCORE_URLS", "http://127.0.0.1:1"));
        Assert.DoesNotContain(host.Output, l => l.Contains("WRN", StringComparison.Ordinal));
    }
}
