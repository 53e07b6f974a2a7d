using EchoHost.Peers.Load;
using Spectre.Console;

namespace EchoHost.Commands;

/// <summary>
/// Shows the progress of a load test on a terminal. Uses standard error, so that standard output has only the result.
/// </summary>
internal static class LoadProgress
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>Waits for the test to end.</summary>
    public static async Task ShowAsync(LoadTest test, Task running, TextWriter error)
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
                var bar = progress.AddTask("connecting", maxValue: test.Options.Duration.TotalSeconds);
                long messages = 0;
                while (await Task.WhenAny(running, Task.Delay(Interval)) != running)
                {
                    var now = test.Messages;
                    bar.Value = test.Elapsed.TotalSeconds;
                    var latency = test.Tally.Latency;
                    var status = new LoadStatus(
                        test.Tally.Connections,
                        (now - messages) / Interval.TotalSeconds,
                        latency.Percentile(50),
                        latency.Percentile(99),
                        test.Tally.Errors);
                    bar.Description = status.Text(width);
                    messages = now;
                }
            });
        await running;
    }
}
