using System.CommandLine;
using EchoHost.Configuration;
using EchoHost.Peers;
using EchoHost.Peers.Who;

namespace EchoHost.Commands;

/// <summary><c>EchoHost who HOST:PORT</c>: asks a <c>Who</c> endpoint how it sees this connection, and which instance it is.</summary>
internal static class WhoCommand
{
    private const int MaxCount = 1_000_000;
    private const int MaxParallel = 1_000;

    public static Command Create()
    {
        var connection = new ConnectionArguments();
        var count = new Option<string?>("--count")
        {
            Description = "Make N connections and show how they are spread over instances (default: one, and show the answer)",
            HelpName = "N",
        };
        var parallel = new Option<string?>("--parallel") { Description = "The number of connections at a time, with --count (10)", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Print the answer, or the spread, as one line of JSON" };
        var command = new Command("who", "Ask a Who endpoint how it sees this connection and which instance it is; exit 0 if all were answered, else 1")
        {
            count,
            parallel,
            json,
        };
        connection.AddTo(command);
        command.SetAction((parsed, _) =>
        {
            var (target, link, timeout) = connection.Read(parsed);
            var console = parsed.InvocationConfiguration;
            var isJson = parsed.GetValue(json);
            var wide = parsed.Number(parallel, 1, MaxParallel);
            if (parsed.Number(count, 1, MaxCount) is { } connections)
            {
                DescriptorCheck.Connections(parallel.Name, wide ?? 10);
                return SurveyAsync(target, link, timeout, connections, wide ?? 10, isJson, console);
            }

            return wide is null
                ? AskAsync(target, link, timeout, isJson, console)
                : throw new ConfigurationException($"{parallel.Name} is '{wide}', but {count.Name} is not given");
        });
        return command;
    }

    private static async Task<int> AskAsync(PeerTarget target, PeerLink link, TimeSpan timeout, bool isJson, InvocationConfiguration console)
    {
        DescriptorCheck.One();
        using var stop = new StopSignal();
        using var transport = new PeerTransport(loops: 1, link.Source);
        var client = transport.ClientOf(target, link);
        await client.WarmUpWhoAsync(target, stop.Token);
        using var limit = new TimeLimit(timeout, TimeProvider.System, stop.Token);
        try
        {
            var visit = await client.VisitAsync(target, limit);
            console.Output.WriteLine(isJson
                ? visit.Reply.ToJson()
                : $"{ConnectionText.Of(target, visit.Connection)}; answer {ConnectionText.Milliseconds(visit.Took)} ms\n{WhoText.Of(visit.Reply.Json)}");
            return ExitCode.Done;
        }
        catch (PeerException e)
        {
            return CommandLine.Fail(console.Error, ExitCode.Failed, $"{target.Name} {e.Result.Label()}: {e.Message}{e.ReceivedText}");
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            return CommandLine.Fail(console.Error, ExitCode.Failed, "stopped before the answer");
        }
    }

    /// <summary>A survey that has not begun.</summary>
    internal static WhoSurvey Survey(PeerTarget target, PeerLink link, TimeSpan timeout, PeerTransport transport) =>
        new(target, transport.ClientOf(target, link, remembersNames: true), timeout, link.Proxy?.Source?.Address);

    private static async Task<int> SurveyAsync(
        PeerTarget target, PeerLink link, TimeSpan timeout, int count, int parallel, bool isJson, InvocationConfiguration console)
    {
        using var stop = new StopSignal();
        using var transport = new PeerTransport(Math.Min(Environment.ProcessorCount, parallel), link.Source);
        var survey = Survey(target, link, timeout, transport);
        await survey.WarmUpAsync(stop.Token);
        var tally = survey.Tally;
        try
        {
            await TerminalProgress.ShowAsync(survey.RunAsync(count, parallel, stop.Token), console.Error, count, _ => (
                tally.Answers + tally.Errors,
                $"{ConnectionText.Counted(tally.Answers, "answer")}, {ConnectionText.Counted(tally.Errors, "error")}"));
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            // The report says what is known until now.
        }

        var report = new WhoReport(survey);
        console.Output.WriteLine(isJson ? report.ToJson() : report.ToText());
        return tally.Answers > 0 && tally.Errors == 0 ? ExitCode.Done : ExitCode.Failed;
    }
}
