using System.Diagnostics;

namespace EchoHost.Tests.Infrastructure;

/// <summary>Prometheus's own check of metrics; skips a test where <c>promtool</c> is not installed.</summary>
internal static class Promtool
{
    /// <summary>Asserts that <c>promtool check metrics</c> accepts a text and prints nothing.</summary>
    public static async Task CheckAsync(string metrics)
    {
        var start = new ProcessStartInfo(Tool.Need("promtool"), ["check", "metrics"])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(metrics);
        process.StandardInput.Close();
        var errors = await process.StandardError.ReadToEndAsync().WaitAsync(Wait.Limit);
        var complaints = errors + await process.StandardOutput.ReadToEndAsync().WaitAsync(Wait.Limit);
        await process.WaitForExitAsync().WaitAsync(Wait.Limit);
        Assert.Equal((0, ""), (process.ExitCode, complaints));
    }
}
