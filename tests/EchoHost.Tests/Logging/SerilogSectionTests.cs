using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Logging;

/// <summary>The section <c>Serilog</c>, whose sinks are found by name, in the program as built or published.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public sealed class SerilogSectionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("echohost-log").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_file_is_written_from_a_thread_of_its_own()
    {
        var path = Path.Combine(_folder, "echo.log");
        await RunAsync(
            "--Serilog:WriteTo:1:Name=Console",
            "--Serilog:WriteTo:0:Name=Async",
            "--Serilog:WriteTo:0:Args:configure:0:Name=File",
            $"--Serilog:WriteTo:0:Args:configure:0:Args:path={path}",
            "--Serilog:WriteTo:0:Args:configure:0:Args:outputTemplate={Level:u3} {Message:lj}{NewLine}");
        Assert.Contains("INF Drained", await File.ReadAllLinesAsync(path, CancellationToken.None));
    }

    [Fact]
    public async Task A_file_holds_compact_JSON_where_its_formatter_is_named()
    {
        var path = Path.Combine(_folder, "echo.json");
        await RunAsync(
            "--Serilog:WriteTo:1:Name=Console",
            "--Serilog:WriteTo:0:Name=File",
            $"--Serilog:WriteTo:0:Args:path={path}",
            "--Serilog:WriteTo:0:Args:formatter=Serilog.Formatting.Compact.RenderedCompactJsonFormatter, Serilog.Formatting.Compact",
            "--Serilog:Properties:Zone=a");
        var drained = (await File.ReadAllLinesAsync(path, CancellationToken.None)).Select(line => JsonDocument.Parse(line).RootElement).Last();
        Assert.Equal(("Drained", "a"), (drained.GetProperty("@m").GetString(), drained.GetProperty("Zone").GetString()));
    }

    [Fact]
    public async Task The_console_takes_a_template_a_theme_and_a_level()
    {
        var output = await RunAsync(
            "--Serilog:Using:0=Serilog.Sinks.Console",
            "--Serilog:Using:1=Serilog.Sinks.Debug",
            "--Serilog:WriteTo:0:Name=Console",
            "--Serilog:WriteTo:0:Args:outputTemplate={Message:lj} |{NewLine}",
            "--Serilog:WriteTo:0:Args:theme=Serilog.Sinks.SystemConsole.Themes.ConsoleTheme::None, Serilog.Sinks.Console",
            "--Serilog:WriteTo:1:Name=Console",
            "--Serilog:WriteTo:1:Args:restrictedToMinimumLevel=Fatal",
            "--Serilog:WriteTo:2:Name=Debug");
        Assert.Single(output, "Drained |");
    }

    [Fact]
    public async Task What_a_sink_was_too_slow_for_is_counted()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs a FIFO");
        var fifo = Path.Combine(_folder, "fifo");
        using (var make = Process.Start("mkfifo", [fifo]))
        {
            await make.WaitForExitAsync().WaitAsync(Wait.Limit);
        }

        // Opening the file blocks at the first event until a reader opens it; one more event fits in the buffer.
        using var host = await EchoHostProcess.StartHostAsync([
            "--Serilog:WriteTo:0:Name=Console",
            "--Serilog:WriteTo:1:Name=Async",
            "--Serilog:WriteTo:1:Args:bufferSize=1",
            "--Serilog:WriteTo:1:Args:configure:0:Name=File",
            $"--Serilog:WriteTo:1:Args:configure:0:Args:path={fifo}",
            "--Serilog:WriteTo:1:Args:configure:0:Args:rollOnFileSizeLimit=true"]);
        for (var i = 0; i < 3; i++)
        {
            using var client = await EchoClient.ConnectAsync(host.Tcp);
            await client.EchoAsync("hello");
        }

        using var http = new HttpClient { BaseAddress = host.HttpUrl, Timeout = Wait.Limit };
        const string series = "echohost_log_dropped_total ";
        await Wait.UntilAsync(
            async () => (await http.GetStringAsync("/metrics")).Split('\n').Single(l => l.StartsWith(series, StringComparison.Ordinal)) is var line
                && long.Parse(line[series.Length..], CultureInfo.InvariantCulture) > 0,
            "dropped events are counted");
        host.Kill();
    }

    [Theory]
    [InlineData(
        "--Serilog:WriteTo:0:Name=Nowhere",
        "Serilog:WriteTo:0:Name is 'Nowhere', which this program does not have, or not with these arguments; its sinks are Async, Console, Debug and File")]
    [InlineData(
        "--Serilog:Foo=1",
        "Serilog:Foo is not a key that Serilog knows (value '1'); Serilog has Using, LevelSwitches, FilterSwitches, MinimumLevel, WriteTo,")]
    [InlineData(
        "--Serilog:MinimumLevel:Defualt=Debug",
        "Serilog:MinimumLevel:Defualt is not a key that Serilog knows (value 'Debug'); Serilog:MinimumLevel has Default, Override, ControlledBy")]
    [InlineData(
        "--Serilog:WriteTo:0:Name=Console --Serilog:WriteTo:0:Args:outputTemplat={Message}",
        "Serilog:WriteTo:0:Args:outputTemplat is not an argument of Console; it has ")]
    [InlineData(
        "--Serilog:WriteTo:0:Name=Async --Serilog:WriteTo:0:Args:configure:0:Name=File --Serilog:WriteTo:0:Args:configure:0:Args:pat=/tmp/x",
        "Serilog:WriteTo:0:Args:configure:0:Args:pat is not an argument of File; it has path, ")]
    [InlineData(
        "--Serilog:WriteTo:0:Name=Console --Serilog:WriteTo:0:Arguments:theme=x --Serilog:WriteTo:0:Args:outputTemplate={Message}",
        "Serilog:WriteTo:0:Arguments is not a key that Serilog knows; Serilog:WriteTo:0 has Name, Args")]
    [InlineData(
        "--Serilog:Using:0=NoSuchAssembly",
        "Serilog:Using:0 is 'NoSuchAssembly', which this program does not have; it has Serilog, Serilog.Sinks.Console, ")]
    [InlineData("--Serilog:MinimumLevel:Default=Loud", "Serilog:MinimumLevel:Default is 'Loud': ")]
    [InlineData(
        "--Serilog:WriteTo:0:Name=File --Serilog:WriteTo:0:Args:path=/proc/none/log",
        "Serilog:WriteTo:0:Args:path is '/proc/none/log': unable to open file sink")]
    [InlineData(
        "--Serilog:WriteTo:0:Name=Console --Serilog:WriteTo:0:Args:restrictedToMinimumLevel=Loud",
        "Serilog:WriteTo:0:Args:restrictedToMinimumLevel is 'Loud': ")]
    public async Task What_can_not_be_used_is_one_line_and_exit_code_2(string arguments, string line)
    {
        using var program = EchoHostProcess.Start(["--urls=http://127.0.0.1:0", .. arguments.Split(' ')], ("PORT", "0"));
        Assert.Equal(2, await program.WaitForExitAsync());
        var error = Assert.Single(program.Errors);
        Assert.StartsWith($"EchoHost: {line}", error, StringComparison.Ordinal);
        Assert.DoesNotContain(" at System.", error, StringComparison.Ordinal);
    }

    /// <summary>Runs a host until it logs on standard output that it listens, stops it, and returns its output.</summary>
    private static async Task<IEnumerable<string>> RunAsync(params string[] settings)
    {
        using var host = await EchoHostProcess.StartHostAsync(settings);
        host.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.Empty(host.Errors);
        return host.Output;
    }
}
