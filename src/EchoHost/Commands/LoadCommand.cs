using System.CommandLine;
using EchoHost.Configuration;
using EchoHost.Peers;
using EchoHost.Peers.Load;
using EchoHost.Peers.Who;

namespace EchoHost.Commands;

/// <summary><c>EchoHost load HOST:PORT</c>: measures the throughput and the latency of a path and its peer.</summary>
internal static class LoadCommand
{
    private const int MaxConnections = 100_000;
    private const int MaxSize = 16 * 1024 * 1024;
    private const int MaxPipeline = 10_000;
    private const int MaxRate = 10_000_000;

    private static readonly TimeSpan WhoInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan WarmupTime = TimeSpan.FromMilliseconds(200);

    public static Command Create()
    {
        var connection = new ConnectionArguments();
        var connections = new Option<string?>("--connections") { Description = "The number of connections (50)", HelpName = "N" };
        var size = new Option<string?>("--size") { Description = "The length of a message in bytes (64)", HelpName = "N" };
        var pipeline = new Option<string?>("--pipeline")
        {
            Description = "The maximum number of messages under way on a connection (1)",
            HelpName = "N",
        };
        var duration = new Option<string?>("--duration") { Description = "How long to send messages (10s)", HelpName = "TIME" };
        var rate = new Option<string?>("--rate")
        {
            Description = "Messages per second over all connections; each is sent when due, and its latency counts from then "
                + "(default: as many as come back)",
            HelpName = "N",
        };
        var reconnect = new Option<bool>("--reconnect")
        {
            Description = "Make a new connection for each message; the latency then includes connecting",
        };
        var who = new Option<string?>("--who")
        {
            Description = "Meanwhile, ask a Who endpoint on the same path which instances answer, 20 times a second",
            HelpName = "HOST:PORT",
        };
        var json = new Option<bool>("--json") { Description = "Print the result as one JSON object" };
        var command = new Command(
            "load", "Load a peer with messages and compare every byte that comes back; exit 0 if all came back the same, else 1")
        {
            connections,
            size,
            pipeline,
            duration,
            rate,
            reconnect,
            who,
            json,
        };
        connection.AddTo(command);
        command.SetAction((parsed, _) =>
        {
            var asked = parsed.GetValue(who) is { } text ? ConnectionArguments.ReadTarget(who.Name, text) : null;
            var (target, link, timeout) = connection.Read(parsed, asked);
            var options = new LoadOptions(
                target,
                parsed.Number(connections, 1, MaxConnections) ?? 50,
                parsed.Number(size, 1, MaxSize) ?? 64,
                parsed.Number(pipeline, 1, MaxPipeline) ?? 1,
                parsed.Time(duration, least: TimeSpan.FromMilliseconds(1)) ?? TimeSpan.FromSeconds(10),
                parsed.Number(rate, 1, MaxRate),
                parsed.GetValue(reconnect),
                timeout);
            DescriptorCheck.Connections(connections.Name, options.Connections);
            if (options.Reconnects && options.Pipeline > 1)
            {
                throw new ConfigurationException(
                    $"{pipeline.Name} is '{options.Pipeline}', but with {reconnect.Name} each connection has one message");
            }

            return RunAsync(options, link, asked, parsed.GetValue(json), parsed.InvocationConfiguration);
        });
        return command;
    }

    private static async Task<int> RunAsync(LoadOptions options, PeerLink link, PeerTarget? who, bool isJson, InvocationConfiguration console)
    {
        using var stop = new StopSignal();
        using var transport = new PeerTransport(Math.Min(Environment.ProcessorCount, options.Connections), link.Source);
        var client = transport.ClientOf(options.Target, link, remembersNames: true);
        await client.WarmUpAsync(options.Target, stop.Token, (self, echo) => WarmUpAsync(options, self, echo, stop.Token));
        using var test = new LoadTest(options, client);
        // On a loop of its own, so that it does not take part in what is measured.
        using var surveyTransport = who is null ? null : new PeerTransport(loops: 1, link.Source);
        var survey = who is null ? null : WhoCommand.Survey(who, link, options.Timeout, surveyTransport!);
        try
        {
            await LoadProgress.ShowAsync(test, RunAsync(test, survey, stop.Token), console.Error);
        }
        catch (PeerException e)
        {
            if (isJson)
            {
                console.Output.WriteLine(new LoadReport(test, survey).ToJson());
            }

            return CommandLine.Fail(console.Error, ExitCode.Failed, $"{options.Target.Name} {e.Result.Label()}: {e.Message}");
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            console.Output.WriteLine(isJson ? new LoadReport(test, survey).ToJson() : new LoadReport(test, survey).ToText());
            return CommandLine.Fail(console.Error, ExitCode.Failed, "stopped before the first message");
        }

        var report = new LoadReport(test, survey);
        console.Output.WriteLine(isJson ? report.ToJson() : report.ToText());
        return test.Messages > 0 && test.Tally.Errors == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    /// <summary>Runs the test, and the survey for as long as the test takes.</summary>
    private static async Task RunAsync(LoadTest test, WhoSurvey? survey, CancellationToken stop)
    {
        using var over = new CancellationTokenSource();
        var asking = survey?.RunUntilAsync(WhoInterval, over.Token, stop) ?? Task.CompletedTask;
        try
        {
            await test.RunAsync(stop);
        }
        finally
        {
            await over.CancelAsync();
            await asking;
        }
    }

    /// <summary>Runs a small load of the same kind against this process, without a report.</summary>
    private static async Task WarmUpAsync(LoadOptions options, PeerClient self, PeerTarget echo, CancellationToken stop)
    {
        var small = options with
        {
            Target = echo,
            Connections = Math.Min(options.Connections, 4),
            Rate = options.Rate is null ? null : Math.Min(options.Rate.Value, 1000),
            Duration = WarmupTime,
            Timeout = WarmupTime,
        };
        using var warmup = new LoadTest(small, self);
        await warmup.RunAsync(stop);
    }
}
