using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using EchoHost.Descriptors;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

/// <summary>The start of the program: too few descriptors, an output that can't be written, an early stop.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public class StartTests
{
    /// <summary>128 plus SIGTERM's number: the signal came before the runtime reached the program.</summary>
    private const int Terminated = 143;

    public StartTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "needs a shell, /dev/full and signals");

    [Fact]
    public async Task A_stop_while_it_starts_is_no_failure()
    {
        // Measure how long a start takes on this machine.
        var clock = Stopwatch.StartNew();
        using (await EchoHostProcess.StartHostAsync())
        {
            clock.Stop();
        }

        var starts = TestScale.Of(6, 80);
        for (var i = 0; i < starts; i++)
        {
            using var host = EchoHostProcess.Start(["--urls=http://127.0.0.1:0", "--Echo:Shutdown:ReadinessDelay=1h"], ("PORT", "0"));
            var isLast = i == starts - 1;
            if (isLast)
            {
                await Wait.UntilAsync(() => host.Output.Any(), "the host says something");
            }
            else
            {
                // The signal comes anywhere between the first instruction and a running host; the result must be the same.
                await Task.Delay(clock.Elapsed * i / starts, CancellationToken.None);
            }

            host.Signal(PosixSignal.SIGTERM);
            var exit = host.WaitForExitAsync();
            await Wait.UntilAsync(
                () => exit.IsCompleted || host.Output.Any(line => line.Contains("Draining", StringComparison.Ordinal)), "the host ends or drains");
            if (!exit.IsCompleted)
            {
                // The drain lasts an hour, unless this signal is the second, wherever the first came. Too soon it would count as the same.
                await Task.Delay(TimeSpan.FromMilliseconds(300), CancellationToken.None);
                host.Signal(PosixSignal.SIGTERM);
            }

            var code = await exit;
            Assert.True(code == 0 || (code == Terminated && !isLast), $"start {i} ended with {code}: {string.Join('\n', host.Errors)}");
            Assert.Empty(host.Errors);
            Assert.DoesNotContain(
                host.Output,
                line => line.Contains("Exception", StringComparison.Ordinal) || line.StartsWith("   at ", StringComparison.Ordinal));
            if (code == Terminated)
            {
                Assert.Empty(host.Output);
            }
        }
    }

    [Theory]
    [InlineData("--help > /dev/full")]
    [InlineData("--version > /dev/full")]
    [InlineData("serve --help > /dev/full")]
    [InlineData("send --help > /dev/full")]
    [InlineData("serve > /dev/full")]
    [InlineData("> /dev/full")]
    [InlineData("health $URL > /dev/full")]
    [InlineData("--version >&-")]
    [InlineData("--help >&-")]
    [InlineData("health $URL >&-")]
    [InlineData("serve >&-")]
    [InlineData(">&-")]
    public async Task An_output_that_can_not_be_written_is_one_line_and_exit_code_1(string command)
    {
        await using var host = await EchoHostFixture.StartAsync();
        var (code, errors) = (0, "");
        await Wait.UntilAsync(
            async () =>
            {
                (code, _, errors) = await ShellAsync(
                    $"URL={host.Http.BaseAddress} PORT=0 ASPNETCORE_URLS=http://127.0.0.1:0; export PORT ASPNETCORE_URLS; exec $EchoHost {command}");
                // On a machine with every core busy, the host may take longer than the command waits.
                return !errors.Contains("no answer within", StringComparison.Ordinal);
            },
            "the host answers in time");
        var reason = command.EndsWith("/dev/full", StringComparison.Ordinal) ? "No space left on device" : "Bad file descriptor";
        Assert.Equal((1, $"EchoHost: standard output can't be written: {reason}\n"), (code, errors));
    }

    [Fact]
    public async Task Without_any_output_the_exit_code_says_it() =>
        Assert.Equal((1, "", ""), await ShellAsync("exec $EchoHost --version >&- 2>&-"));

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.75)]
    [InlineData(0.99)]
    public async Task Too_few_descriptors_for_a_command_are_one_line(double share)
    {
        var limit = (int)(MinForCommand * share);
        Assert.Equal(
            (2, "", $"EchoHost: the limit of {limit} file descriptors is too low to start; raise it (ulimit -n) to {MinForCommand} or more\n"),
            await ShellAsync($"ulimit -n {limit}; exec $EchoHost health http://127.0.0.1:1"));
    }

    /// <summary>Limits in proportion to what a host needs, which is less in a native file.</summary>
    [Theory]
    [InlineData(0.26)]
    [InlineData(0.5)]
    [InlineData(0.7)]
    [InlineData(0.9)]
    [InlineData(0.995)]
    public async Task Too_few_descriptors_for_a_host_are_one_line(double share)
    {
        var limit = (int)(MinForHost * share);
        Assert.Equal(
            (2, "", $"EchoHost: the limit of {limit} file descriptors is too low to start; raise it (ulimit -n) to {MinForHost} or more\n"),
            await ShellAsync($"ulimit -n {limit}; exec $EchoHost --urls=http://127.0.0.1:0"));
    }

    [Fact]
    public async Task Every_limit_ends_in_one_line_or_works()
    {
        foreach (var limit in Enumerable.Range(0, TestScale.Of(8, 60)).Select(i => 30 + (i * (MinForCommand - 20) / TestScale.Of(8, 60))))
        {
            var (code, _, errors) = await ShellAsync($"ulimit -n {limit}; exec $EchoHost health http://127.0.0.1:1");
            Assert.True(code is 1 or 2, $"limit {limit}: {code} {errors}");
            Assert.True(errors.StartsWith("EchoHost: ", StringComparison.Ordinal) && errors.Count(c => c == '\n') == 1, $"limit {limit}: {errors}");
        }
    }

    [Fact]
    public async Task The_least_that_is_asked_for_is_enough()
    {
        var script = $"ulimit -n {MinForHost}; exec '{TestProgram.File}' --urls=http://127.0.0.1:0 --Echo:EventLoops=2";
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script])
        {
            RedirectStandardOutput = true,
            Environment = { ["PORT"] = "0" },
        })!;
        try
        {
            string? line;
            var port = 0;
            while ((line = await shell.StandardOutput.ReadLineAsync().WaitAsync(Wait.Limit)) is not null
                && !line.Contains("are let in", StringComparison.Ordinal))
            {
                port = line.Split("connections on port ") is [_, var number] ? int.Parse(number, CultureInfo.InvariantCulture) : port;
            }

            Assert.NotNull(line);
            using var client = await EchoClient.ConnectAsync(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, port));
            await client.EchoAsync("hello");
        }
        finally
        {
            shell.Kill();
            await shell.WaitForExitAsync().WaitAsync(Wait.Limit);
        }
    }

    [Fact]
    public async Task A_host_holds_no_more_descriptors_than_are_set_aside_for_it()
    {
        using var certificate = new TestCertificate();
        using var host = await EchoHostProcess.StartHostAsync([
            "--Echo:EventLoops=8", .. certificate.Settings.Select(setting => $"--{setting}"),
            "--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "--OTEL_METRIC_EXPORT_INTERVAL=100"]);
        using var http = new HttpClient { BaseAddress = host.HttpUrl, Timeout = Wait.Limit };
        foreach (var path in new[] { "/health/ready", "/metrics", "/connections", "/peers", "/nowhere" })
        {
            await http.GetAsync(path);
        }

        using var client = await EchoClient.ConnectAsync(host.Tcp);
        await client.EchoAsync("hello");
        Assert.InRange(Directory.GetFiles($"/proc/{host.Id}/fd").Length, 1, DescriptorNeeds.Host(HasAssemblies));
    }

    [Fact]
    public async Task The_help_names_the_commonest_keys_and_where_the_others_are()
    {
        var (code, output, errors) = await ShellAsync("exec $EchoHost serve --help");
        Assert.Equal((0, ""), (code, errors));
        Assert.All(
            new[] { "--Urls=", "--Echo:Endpoints:Tcp:Url=", "PORT=", "appsettings.json", "docs/configuration.md" },
            text => Assert.Contains(text, output, StringComparison.Ordinal));
        // The keys in the text exist.
        var settings = output.Split('\n')
            .Select(line => line.Trim().Split(' ')[0])
            .Where(word => word.StartsWith("--", StringComparison.Ordinal) && word.Contains('=') && !word.Contains("HOST", StringComparison.Ordinal))
            .ToArray();
        Assert.InRange(settings.Length, 6, 20);
        _ = EchoHost.Hosting.HostSettings.Read(EchoHost.Hosting.HostConfiguration.Read(settings));
    }

    /// <summary>False for a native file, which needs far fewer descriptors.</summary>
    private static bool HasAssemblies => File.Exists($"{TestProgram.File}.dll");

    private static int MinForHost => DescriptorNeeds.MinHost(HasAssemblies);

    private static int MinForCommand => DescriptorNeeds.MinCommand(HasAssemblies);

    private static async Task<(int Code, string Output, string Errors)> ShellAsync(string script)
    {
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["EchoHost"] = TestProgram.File, ["PORT"] = "0" },
        })!;
        var output = shell.StandardOutput.ReadToEndAsync();
        var errors = shell.StandardError.ReadToEndAsync();
        try
        {
            await shell.WaitForExitAsync().WaitAsync(Wait.Limit);
        }
        finally
        {
            if (!shell.HasExited)
            {
                shell.Kill(entireProcessTree: true);
            }
        }

        return (shell.ExitCode, await output, await errors);
    }
}
