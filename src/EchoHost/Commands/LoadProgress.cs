using EchoHost.Peers.Load;

namespace EchoHost.Commands;

/// <summary>Shows the progress of a load test on a terminal.</summary>
internal static class LoadProgress
{
    /// <summary>Waits for the test to end.</summary>
    public static Task ShowAsync(LoadTest test, Task running, TextWriter error)
    {
        long messages = 0;
        return TerminalProgress.ShowAsync(running, error, test.Options.Duration.TotalSeconds, width =>
        {
            var (now, before) = (test.Messages, messages);
            messages = now;
            var latency = test.Tally.Latency;
            var status = new LoadStatus(
                test.Tally.Connections,
                (now - before) / TerminalProgress.Interval.TotalSeconds,
                latency.Percentile(50),
                latency.Percentile(99),
                test.Tally.Errors);
            return (test.Elapsed.TotalSeconds, status.Text(width));
        });
    }
}
