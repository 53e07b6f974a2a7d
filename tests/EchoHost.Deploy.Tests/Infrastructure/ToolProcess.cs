using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Deploy.Tests.Infrastructure;

/// <summary>A program of others, such as HAProxy or Prometheus, with the files that this repository ships.</summary>
internal sealed class ToolProcess : IDisposable
{
    private readonly ConcurrentQueue<string> _output = new();
    private readonly Process _process;

    private ToolProcess(string name, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>> environment)
    {
        var start = new ProcessStartInfo(Tool.Need(name), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What it has written.</summary>
    public string Output => string.Join('\n', _output);

    /// <summary>Starts a service and waits until it listens on all of the ports.</summary>
    public static async Task<ToolProcess> StartAsync(
        string name, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>> environment, params int[] ports)
    {
        var process = new ToolProcess(name, arguments, environment);
        try
        {
            await Wait.UntilAsync(() => process._process.HasExited || ports.All(IsListening), $"{name} listens");
            Assert.False(process._process.HasExited, $"{name} does not start:\n{process.Output}");
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Runs a command to its end.</summary>
    /// <returns>The exit code, standard output, and standard error.</returns>
    public static async Task<(int Code, string Output, string Errors)> RunAsync(string name, params string[] arguments)
    {
        var start = new ProcessStartInfo(Tool.Need(name), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync().WaitAsync(Wait.Limit);
        await process.WaitForExitAsync().WaitAsync(Wait.Limit);
        return (process.ExitCode, output, await errors.WaitAsync(Wait.Limit));
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit(Wait.Limit);
        }

        _process.Dispose();
    }

    /// <summary>Checks from outside: a connection would be one that the service counts, or passes on.</summary>
    private static bool IsListening(int port) =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Contains(new IPEndPoint(IPAddress.Loopback, port));
}
