using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Systemd;

/// <summary>The program with a socket in place of systemd's.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public partial class SystemdTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ready_means_that_the_port_accepts(bool isAbstract)
    {
        using var socket = new NotifySocket(isAbstract);
        using var port = new HeldPort();
        using var program = EchoHostProcess.Start(["--urls=http://127.0.0.1:0", $"--{port.Setting}"], socket.Variable);
        await socket.UntilAsync("READY=1");
        // At the first try: nothing has waited for a log line.
        using (var client = await EchoClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port.Port)))
        {
            await client.EchoAsync("ready");
        }

        Assert.Equal(["READY=1", "STATUS=Accepting connections"], socket.Lines);
        program.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await program.WaitForExitAsync());
        // Without WATCHDOG_USEC systemd hears of no watchdog.
        socket.Drain();
        Assert.DoesNotContain("WATCHDOG=1", socket.Lines);
    }

    [Fact]
    public async Task A_host_that_can_not_listen_is_never_ready()
    {
        using var socket = new NotifySocket();
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        using var program = EchoHostProcess.Start(["--urls=http://127.0.0.1:0", $"--Echo:Endpoints:Tcp:Url=tcp://{taken.LocalEndPoint}"], socket.Variable);
        Assert.Equal(1, await program.WaitForExitAsync());
        socket.Drain();
        Assert.Empty(socket.Lines);
    }

    [Fact]
    public async Task Stopping_is_said_when_the_drain_begins()
    {
        using var socket = new NotifySocket();
        string[] times = ["--Echo:Shutdown:ReadinessDelay=00:01:00", "--Echo:Shutdown:GracePeriod=00:02:00"];
        using var program = await EchoHostProcess.StartHostAsync(times, socket.Variable);
        using var client = await EchoClient.ConnectAsync(program.Tcp);
        await client.EchoAsync("before");
        program.Signal(PosixSignal.SIGTERM);
        await socket.UntilAsync("STOPPING=1");
        await client.EchoAsync("served in the readiness delay");
        Assert.Contains("STATUS=Draining, 1 connection", socket.Lines);
        // The drain's own longest time, and what Kestrel and the metrics may take after it.
        Assert.Contains($"EXTEND_TIMEOUT_USEC={(60 + 120 + 3 + 10 + 10) * 1_000_000L}", socket.Lines);
        using var second = await EchoClient.ConnectAsync(program.Tcp);
        await second.EchoAsync("one more");
        await socket.UntilAsync("STATUS=Draining, 2 connections");
        // The second signal, which must not come with the first.
        await Task.Delay(TimeSpan.FromMilliseconds(300), CancellationToken.None);
        program.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Single(socket.Lines, line => line == "STOPPING=1");
    }

    [Fact]
    public async Task The_watchdog_hears_of_the_host_through_its_whole_life()
    {
        using var socket = new NotifySocket();
        using var program = await EchoHostProcess.StartHostAsync(
            ["--Echo:Shutdown:ReadinessDelay=00:01:00"], socket.Variable, ("WATCHDOG_USEC", "100000"));
        await socket.UntilAsync("WATCHDOG=1");
        await socket.UntilAsync("WATCHDOG=1");
        program.Signal(PosixSignal.SIGTERM);
        await socket.UntilAsync("STOPPING=1");
        await socket.UntilAsync("WATCHDOG=1");
        await socket.UntilAsync("WATCHDOG=1");
    }

    [Fact]
    public async Task A_watchdog_of_another_process_hears_nothing()
    {
        using var socket = new NotifySocket();
        using var program = await EchoHostProcess.StartHostAsync(
            [], socket.Variable, ("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
        using (var client = await EchoClient.ConnectAsync(program.Tcp))
        {
            await client.EchoAsync("runs");
        }

        program.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await program.WaitForExitAsync());
        socket.Drain();
        Assert.DoesNotContain("WATCHDOG=1", socket.Lines);
        Assert.Contains("STOPPING=1", socket.Lines);
    }

    [Fact]
    public async Task A_socket_that_is_gone_is_one_warning_and_the_host_runs()
    {
        using var program = await EchoHostProcess.StartHostAsync([], ("NOTIFY_SOCKET", "/nonexistent/notify"), ("WATCHDOG_USEC", "10000"));
        using (var client = await EchoClient.ConnectAsync(program.Tcp))
        {
            await client.EchoAsync("all the same");
        }

        program.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Single(program.Output, line => line.Contains("WRN] systemd can't be told the host's state: ", StringComparison.Ordinal));
    }

    /// <summary>systemd's variables change neither the lines nor their number; the package by itself would change both.</summary>
    [Fact]
    public async Task The_log_is_the_same_as_without_systemd()
    {
        using var socket = new NotifySocket();
        var alone = await LinesAsync();
        var asService = await LinesAsync(socket.Variable, ("INVOCATION_ID", Guid.NewGuid().ToString("N")), ("JOURNAL_STREAM", "8:12345"), ("LISTEN_PID", "1"));
        Assert.NotEmpty(alone);
        Assert.Equal(alone, asService);

        static async Task<string[]> LinesAsync(params (string Name, string Value)[] environment)
        {
            using var program = await EchoHostProcess.StartHostAsync([], environment);
            await Wait.UntilAsync(
                () => program.Output.Any(line => line.Contains("connections are let in", StringComparison.Ordinal)), "the start's last line is logged");
            using (var client = await EchoClient.ConnectAsync(program.Tcp))
            {
                await client.EchoAsync("hello");
            }

            await Wait.UntilAsync(() => program.Output.Any(line => line.Contains("disconnected", StringComparison.Ordinal)), "the end is logged");
            program.Signal(PosixSignal.SIGTERM);
            Assert.Equal(0, await program.WaitForExitAsync());
            // On a busy machine the host's own probe may fail, with an error.
            return [.. program.Output.Where(line => line.Contains(" INF] ", StringComparison.Ordinal)).Select(line => Digits().Replace(line, "0"))];
        }
    }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();
}
