using Spectre.Console;

namespace EchoHost.Commands;

/// <summary>
/// Shows the progress of a command on a terminal. Uses standard error, so that standard output has only the result.
/// </summary>
internal static class TerminalProgress
{
    /// <summary>The time from one update to the next.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>Waits for the work to end. Where standard error is no terminal, nothing is shown.</summary>
    /// <param name="running">The work.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="end">The value at which the bar is full.</param>
    /// <param name="describe">Gets the terminal's width; returns the bar's value and the text beside it.</param>
    public static async Task ShowAsync(Task running, TextWriter error, double end, Func<int, (double Value, string Text)> describe)
    {
        if (Console.IsErrorRedirected || error != Console.Error)
        {
            await running;
            return;
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
        var width = console.Profile.Width;
        await console.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn { Width = LoadStatus.BarWidth(width) }, new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(async progress =>
            {
                var bar = progress.AddTask("connecting", maxValue: end);
                while (await Task.WhenAny(running, Task.Delay(Interval)) != running)
                {
                    (bar.Value, bar.Description) = describe(width);
                }
            });
        await running;
    }
}
