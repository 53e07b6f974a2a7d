using System.Diagnostics;
using System.Globalization;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests;

/// <summary>The parts of the page that need no browser have tests in their own language.</summary>
public class ModuleTests
{
    private const int OldestNode = 20;

    [Fact]
    public async Task The_tests_in_JavaScript_pass()
    {
        var node = Tool.Need("node");
        var version = await RunAsync(node, "--version");
        var major = int.Parse(version.Output.TrimStart('v').Split('.')[0], CultureInfo.InvariantCulture);
        Assert.SkipWhen(major < OldestNode, $"node {version.Output.Trim()} is older than {OldestNode}");
        var files = Directory.GetFiles(Repository.File("tests/page"), "*.test.mjs");
        Assert.NotEmpty(files);
        var (code, output) = await RunAsync(node, ["--test-reporter=tap", "--test", .. files]);
        Assert.True(code == 0, output);
        Assert.Contains("# fail 0", output, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output)> RunAsync(string program, params string[] arguments)
    {
        // What the tests print differs where the output is a terminal; here it never is.
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync().WaitAsync(Wait.Limit);
        await process.WaitForExitAsync().WaitAsync(Wait.Limit);
        return (process.ExitCode, output);
    }
}
