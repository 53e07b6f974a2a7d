using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;

namespace EchoHost.Tests.Infrastructure;

/// <summary>A library's sample as a process, which serves HTTP and TCP on two free ports.</summary>
internal sealed class SampleProcess : IDisposable
{
    private const string Listening = "Now listening on: http://";

    private readonly ConcurrentQueue<string> _output = new();
    private readonly Process _process;

    private SampleProcess(string name)
    {
        var file = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? $"{name}.exe" : name);
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(file, ["127.0.0.1:0", "127.0.0.1:0"]) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        _process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public IPEndPoint Http => Addresses[0];

    public IPEndPoint Tcp => Addresses[1];

    /// <summary>The ports, in the order in which the sample listens on them.</summary>
    private IPEndPoint[] Addresses =>
        [.. _output.Where(line => line.Contains(Listening, StringComparison.Ordinal)).Select(line => IPEndPoint.Parse(line.Split(Listening)[1]))];

    public static async Task<SampleProcess> StartAsync(string name)
    {
        var sample = new SampleProcess(name);
        try
        {
            await Wait.UntilAsync(() => sample.Addresses.Length == 2 || sample._process.HasExited, "the sample listens");
            Assert.False(sample._process.HasExited, string.Join('\n', sample._output));
            return sample;
        }
        catch
        {
            sample.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit(Wait.Limit);
        }

        _process.Dispose();
    }
}
