using EchoHost.Peers.Hold;
using EchoHost.Text;
using Spectre.Console;

namespace EchoHost.Commands;

/// <summary>
/// Shows on a terminal how long the connections have been silent. It is one line on standard error that gives way to each line of the
/// result.
/// </summary>
internal sealed class HoldProgress : IAsyncDisposable
{
    /// <summary>Carriage return, and "erase in line" (ECMA-48) to its end.</summary>
    private const string Erase = "\r\x1b[K";

    private readonly HoldTest _test;
    private readonly IAnsiConsole? _terminal;
    private readonly TextWriter _error;
    private readonly Lock _lock = new();
    private readonly PeriodicTimer _timer = new(TimeSpan.FromMilliseconds(250));
    private readonly Task _drawing;

    /// <param name="test">The running test.</param>
    /// <param name="error">Standard error. If it is no terminal, nothing is shown.</param>
    public HoldProgress(HoldTest test, TextWriter error)
    {
        (_test, _error) = (test, error);
        if (!Console.IsErrorRedirected && error == Console.Error)
        {
            var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
            _terminal = console.Profile.Capabilities.Ansi ? console : null;
        }

        _drawing = _terminal is null ? Task.CompletedTask : DrawAsync();
    }

    /// <summary>Prints lines of the result.</summary>
    public void Print(Action print)
    {
        lock (_lock)
        {
            if (_terminal is not null)
            {
                _error.Write(Erase);
            }

            print();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _drawing;
        Print(() => { });
    }

    /// <summary>The state of a test in words; empty while no connection is silent.</summary>
    internal static string Status(IReadOnlyCollection<TimeSpan> silences) => silences.Count == 0
        ? ""
        : $"silent for {TimeText.Exact(TimeSpan.FromSeconds(Math.Floor(silences.Max().TotalSeconds)))}: "
            + $"{ConnectionText.Counted(silences.Count, "connection")} still open";

    private async Task DrawAsync()
    {
        while (await _timer.WaitForNextTickAsync())
        {
            var status = Status([.. _test.Silences]);
            lock (_lock)
            {
                var room = Math.Max(0, _terminal!.Profile.Width - 1);
                _error.Write(Erase + (status.Length <= room ? status : status[..room]));
            }
        }
    }
}
