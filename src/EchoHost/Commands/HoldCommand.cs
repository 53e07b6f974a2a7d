using System.CommandLine;
using EchoHost.Configuration;
using EchoHost.Peers;
using EchoHost.Peers.Hold;
using EchoHost.Text;

namespace EchoHost.Commands;

/// <summary><c>EchoHost hold HOST:PORT</c>: finds out after how long of silence a path ends a connection, and how.</summary>
internal static class HoldCommand
{
    private const string DefaultIdle = "10s,30s,1m,2m,5m,10m";
    private const int MaxIdleTimes = 100;

    private static readonly TimeSpan WarmupTime = TimeSpan.FromMilliseconds(50);

    public static Command Create()
    {
        var connection = new ConnectionArguments();
        var idle = new Option<string>("--idle")
        {
            Description = "How long to stay silent, a connection for each time",
            HelpName = "TIME,TIME,…",
            DefaultValueFactory = _ => DefaultIdle,
        };
        var parallel = new Option<bool>("--parallel")
        {
            Description = "Hold all connections at once; false: one after another, until one does not survive",
            HelpName = "true|false",
            DefaultValueFactory = _ => true,
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON object per idle time, and one for the idle timeout" };
        var command = new Command(
            "hold", "Find out after how long of silence a path ends a connection, and how; exit 0 if every connection was measured, else 1")
        {
            idle,
            parallel,
            json,
        };
        connection.AddTo(command);
        command.SetAction((parsed, _) =>
        {
            var (target, link, timeout) = connection.Read(parsed);
            var options = new HoldOptions(target, ReadTimes(idle.Name, parsed.GetValue(idle)!), parsed.GetValue(parallel), timeout);
            DescriptorCheck.Connections(idle.Name, options.IsParallel ? options.IdleTimes.Count : 1);
            var console = parsed.InvocationConfiguration;
            IHoldReport report = parsed.GetValue(json)
                ? new JsonHoldReport(console.Output, target)
                : new TextHoldReport(console.Output, options);
            return RunAsync(options, link, report, console.Error);
        });
        return command;
    }

    private static async Task<int> RunAsync(HoldOptions options, PeerLink link, IHoldReport report, TextWriter error)
    {
        using var stop = new StopSignal();
        using var transport = new PeerTransport(loops: 1, link.Source);
        var client = transport.ClientOf(options.Target, link);
        await client.WarmUpAsync(options.Target, stop.Token, (self, echo) => WarmUpAsync(options with { Target = echo }, self, stop.Token));
        var test = new HoldTest(options, client);
        List<HoldResult> results = [];
        await using (var progress = new HoldProgress(test, error))
        {
            await foreach (var result in test.RunAsync(() => progress.Print(() => report.Begun(test.Tally)), stop.Token))
            {
                results.Add(result);
                progress.Print(() => report.Known(result));
            }
        }

        var tried = results.Select(result => result.Idle);
        var summary = new HoldSummary(results, [.. options.IdleTimes.Except(tried)], stop.Token.IsCancellationRequested);
        report.Ended(summary);
        return summary.IsInterrupted && !summary.IsAnythingKnown ? CommandLine.Fail(error, ExitCode.Failed, "stopped before anything was known")
            : summary.IsAnythingKnown && !summary.HasFailures ? ExitCode.Done
            : ExitCode.Failed;
    }

    /// <summary>Holds a connection to this process for a moment, without a report.</summary>
    private static async Task WarmUpAsync(HoldOptions options, PeerClient self, CancellationToken stop)
    {
        var test = new HoldTest(options with { IdleTimes = [WarmupTime] }, self);
        await foreach (var _ in test.RunAsync(() => { }, stop))
        {
            // Only the code matters.
        }
    }

    /// <summary>The idle times of the option, in ascending order.</summary>
    private static TimeSpan[] ReadTimes(string option, string text)
    {
        ConfigurationException Wrong(string why) => new($"{option} is '{text}'; {why}");
        var parts = text.Split(',');
        if (parts.Length > MaxIdleTimes)
        {
            throw Wrong($"there are {parts.Length} times, and at most {MaxIdleTimes} are possible");
        }

        var times = Array.ConvertAll(parts, part =>
            !Duration.TryParse(part.Trim(), out var time) ? throw Wrong($"'{part}' is not {Duration.Expected}")
            : time <= TimeSpan.Zero ? throw Wrong($"'{part}' must be more than zero")
            : time > SectionReader.MaxTime ? throw Wrong($"'{part}' is more than {SectionReader.MaxTime.TotalDays} days")
            : time);
        Array.Sort(times);
        var twice = times.GroupBy(time => time).FirstOrDefault(same => same.Count() > 1);
        return twice is null ? times : throw Wrong($"{TimeText.Exact(twice.Key)} is there twice");
    }
}
