using System.Globalization;
using EchoHost.Peers.Load;
using Spectre.Console;

namespace EchoHost.Commands;

/// <summary>Shows on a terminal how a load test is going. Goes to standard error, so that standard output is the result alone.</summary>
internal static class LoadProgress
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>Waits for the test to end.</summary>
    public static async Task ShowAsync(LoadTest test, Task running)
    {
        if (Console.IsErrorRedirected)
        {
            await running;
            return;
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        await console.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(async progress =>
            {
                var bar = progress.AddTask("connecting", maxValue: test.Options.Duration.TotalSeconds);
                long messages = 0;
                while (await Task.WhenAny(running, Task.Delay(Interval)) != running)
                {
                    var now = test.Messages;
                    bar.Value = test.Elapsed.TotalSeconds;
                    bar.Description = Describe(test, (now - messages) / Interval.TotalSeconds);
                    messages = now;
                }
            });
        await running;
    }

    private static string Describe(LoadTest test, double rate) => string.Create(
        CultureInfo.InvariantCulture,
        $"{test.Tally.Connections} connections, {rate:N0} messages/s, p50 {test.Tally.Latency.Percentile(50):N0} µs, p99 {test.Tally.Latency.Percentile(99):N0} µs, {test.Tally.Errors} errors");
}
