using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace EchoHost.Tests.Infrastructure;

/// <summary>The program as a user starts it, for exit codes, standard output and error, and signals.</summary>
internal sealed partial class EchoHostProcess : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();

    private EchoHostProcess(Process process) => _process = process;

    public IEnumerable<string> Output => _output;

    public IEnumerable<string> Errors => _errors;

    /// <summary>The program's standard input, if the test writes it.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    public int Port { get; private set; }

    public Uri? HttpUrl { get; private set; }

    public IPEndPoint Tcp => new(IPAddress.Loopback, Port);

    public int Id => _process.Id;

    /// <summary>Starts the program. The caller must give it free ports.</summary>
    public static EchoHostProcess Start(string[] args, params (string Name, string Value)[] environment) => Start(args, isFed: false, environment);

    /// <summary>Starts the program in a network namespace.</summary>
    public static EchoHostProcess Start(NetworkNamespace network, params string[] args) => Start(args, isFed: false, [], network);

    /// <summary>Starts the program with a standard input that the test writes: <see cref="Input"/>.</summary>
    public static EchoHostProcess StartFed(params string[] args) => Start(args, isFed: true, []);

    private static EchoHostProcess Start(string[] args, bool isFed, (string Name, string Value)[] environment, NetworkNamespace? network = null)
    {
        string[] command = [.. network?.Enter ?? [], TestProgram.File, .. args];
        var start = TestProgram.StartInfo(command[0], command[1..]);
        (start.RedirectStandardOutput, start.RedirectStandardError, start.RedirectStandardInput) = (true, true, isFed);
        start.WorkingDirectory = Path.GetTempPath();
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var host = new EchoHostProcess(new Process { StartInfo = start });
        host._process.OutputDataReceived += (_, line) => Add(host._output, line.Data);
        host._process.ErrorDataReceived += (_, line) => Add(host._errors, line.Data);
        host._process.Start();
        host._process.BeginOutputReadLine();
        host._process.BeginErrorReadLine();
        return host;

        static void Add(ConcurrentQueue<string> lines, string? line)
        {
            if (line is not null)
            {
                lines.Enqueue(line);
            }
        }
    }

    /// <summary>Starts the host on free ports and waits until it logs that it listens.</summary>
    public static Task<EchoHostProcess> StartHostAsync(string[]? args = null, params (string Name, string Value)[] environment) =>
        StartHostAsync(null, args ?? [], environment);

    /// <summary>The same in a network namespace; null for the test's own.</summary>
    public static async Task<EchoHostProcess> StartHostAsync(NetworkNamespace? network, string[] args, params (string Name, string Value)[] environment)
    {
        string[] all = ["--urls=http://127.0.0.1:0", .. EchoHostFixture.Patience, .. args];
        var host = Start(all, isFed: false, [("PORT", "0"), .. environment], network);
        await Wait.UntilAsync(() => host._process.HasExited || host._output.Any(l => HttpLine().IsMatch(l)), "the host says where it serves HTTP");
        Assert.False(host._process.HasExited, string.Join('\n', host._errors));
        host.Port = int.Parse(host._output.Select(l => PortLine().Match(l)).First(m => m.Success).Groups[1].Value, CultureInfo.InvariantCulture);
        host.HttpUrl = new Uri(host._output.Select(l => HttpLine().Match(l)).First(m => m.Success).Groups[1].Value);
        return host;
    }

    /// <summary>
    /// Repeats the command until it succeeds: the host's own probe and the command have limits that a busy machine may
    /// miss.
    /// </summary>
    public static async Task<EchoHostProcess> UntilHealthyAsync(string[] args, params (string Name, string Value)[] environment)
    {
        EchoHostProcess? health = null;
        await Wait.UntilAsync(
            async () =>
            {
                health?.Dispose();
                health = Start(args, environment);
                return await health.WaitForExitAsync() == 0;
            },
            "the host is healthy");
        return health!;
    }

    public void Signal(PosixSignal signal)
    {
        var number = signal switch
        {
            PosixSignal.SIGINT => "INT",
            PosixSignal.SIGTERM => "TERM",
            PosixSignal.SIGHUP => "HUP",
            _ => throw new ArgumentOutOfRangeException(nameof(signal)),
        };
        using var kill = Process.Start("/bin/kill", [$"-{number}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        Assert.True(kill.WaitForExit(Wait.Limit));
    }

    public void Kill() => _process.Kill();

    /// <summary>Waits for the exit code; both streams are read to their end.</summary>
    public async Task<int> WaitForExitAsync()
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    [GeneratedRegex(@"Listening for connections on port (\d+)")]
    private static partial Regex PortLine();

    [GeneratedRegex(@"are served on (http://[^"",\s]+)")]
    private static partial Regex HttpLine();
}
