using System.Diagnostics;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

/// <summary>The commands as a shell combines them with others: input, output and inherited descriptors.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public sealed class ShellTests : IAsyncLifetime
{
    private EchoHostFixture _host = null!;

    private string Target => _host.Tcp.ToString()!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /dev/full and a shell");
        _host = await EchoHostFixture.StartAsync("Echo:LogMessages=false");
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("send {target} hello > /dev/full", "standard output can't be written: No space left on device")]
    [InlineData("load {target} --duration 50ms > /dev/full", "standard output can't be written: No space left on device")]
    [InlineData("send {target} hello >&-", "standard output can't be written: Bad file descriptor")]
    [InlineData("send {target} < /", "standard input can't be read: Is a directory")]
    public async Task What_can_not_be_read_or_printed_is_one_line(string command, string line)
    {
        var (code, output, errors) = await RunAsync($"$EchoHost {command}");
        Assert.Equal(1, code);
        Assert.Equal("", output);
        Assert.Equal($"EchoHost: {line}\n", errors);
    }

    [Fact]
    public async Task A_standard_input_that_is_closed_is_not_waited_for() =>
        Assert.Equal((2, "", "EchoHost: standard input is closed; give TEXT, --bytes or something to read\n"), await RunAsync("$EchoHost send {target} <&-"));

    [Theory]
    [InlineData("printf hello |")]
    [InlineData("cat /dev/null | printf hello |")]
    public async Task A_pipe_is_read(string before)
    {
        var (code, output, _) = await RunAsync($"{before} $EchoHost send {{target}} --json");
        Assert.Equal(0, code);
        Assert.StartsWith("{\"seq\":1,\"bytes\":5,", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_standard_error_the_exit_code_says_it() =>
        Assert.Equal((2, "", ""), await RunAsync("$EchoHost send no:nsense 2>&-"));

    [Theory]
    [InlineData("$EchoHost send {target} hello --count 0 --interval 10ms | head -n 1", "Connected to ")]
    [InlineData("yes 2>/dev/null | $EchoHost send {target} --json | head -n 1", "{\"seq\":1,\"bytes\":1,")]
    public async Task Where_nobody_reads_any_more_it_ends(string command, string line)
    {
        var (_, output, errors) = await RunAsync(command);
        Assert.StartsWith(line, output, StringComparison.Ordinal);
        Assert.Equal("", errors);
    }

    [Fact]
    public async Task Lines_are_added_to_a_file()
    {
        var file = Path.GetTempFileName();
        try
        {
            await RunAsync($"printf 'a\\nb' | $EchoHost send {{target}} --json >> {file}; $EchoHost send {{target}} c --json >> {file}");
            Assert.Equal(["\"seq\":1", "\"seq\":2", "\"seq\":1"], (await File.ReadAllLinesAsync(file)).Select(line => line[1..8]));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task More_connections_than_descriptors_are_refused()
    {
        var prlimit = Tool.Need("prlimit");
        var (code, _, errors) = await RunAsync($"{prlimit} --nofile=300 $EchoHost load {{target}} --connections 200");
        Assert.Equal(2, code);
        Assert.Equal("EchoHost: --connections is '200', but the limit of 300 file descriptors allows 108; raise it (ulimit -n) or ask for less\n", errors);
        (code, var output, errors) = await Wait.PatientlyAsync(
            TimeSpan.FromMilliseconds(100),
            limit => RunAsync(
                $"{prlimit} --nofile=300 $EchoHost load {{target}} --connections 108 --duration {limit.TotalMilliseconds}ms --timeout 1m --json"),
            run => TestCommand.HasLoaded([run.Output]));
        Assert.Equal("", errors);
        Assert.Equal(0, code);
        Assert.Contains("\"connections\":108,\"errors\":{}", output, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Output, string Errors)> RunAsync(string command)
    {
        var start = TestProgram.StartInfo("/bin/sh", "-c", command.Replace("{target}", Target, StringComparison.Ordinal));
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        start.Environment["EchoHost"] = TestProgram.File;
        using var shell = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Wait.Limit);
        try
        {
            var (output, errors) = (shell.StandardOutput.ReadToEndAsync(limit.Token), shell.StandardError.ReadToEndAsync(limit.Token));
            await shell.WaitForExitAsync(limit.Token);
            return (shell.ExitCode, await output, await errors);
        }
        finally
        {
            shell.Kill(entireProcessTree: true);
        }
    }
}
