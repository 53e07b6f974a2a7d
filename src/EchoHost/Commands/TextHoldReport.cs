using EchoHost.Peers;
using EchoHost.Peers.Hold;
using EchoHost.Text;

namespace EchoHost.Commands;

/// <summary>Prints a line for each idle time, and what they mean together.</summary>
/// <param name="output">Where it prints.</param>
/// <param name="options">The options of the test.</param>
internal sealed class TextHoldReport(TextWriter output, HoldOptions options) : IHoldReport
{
    private const string Indent = "  ";

    private readonly int _width = options.IdleTimes.Max(idle => TimeText.Exact(idle).Length);

    public void Begun(ConnectionTally tally)
    {
        var (least, most) = (TimeText.Exact(options.IdleTimes[0]), TimeText.Exact(options.IdleTimes[^1]));
        var times = options.IdleTimes.Count == 1 ? least : $"{least} to {most}";
        var order = options.IdleTimes.Count > 1 && !options.IsParallel ? ", one after another" : "";
        output.WriteLine($"{options.Target.Name}: {ConnectionText.Counted(options.IdleTimes.Count, "connection")}, silent for {times}{order}");
        if (ConnectionText.Of(options.Target, tally) is { } addresses)
        {
            output.WriteLine(addresses);
        }
    }

    public void Known(HoldResult result) =>
        output.WriteLine($"{Indent}{TimeText.Exact(result.Idle).PadLeft(_width)}{Indent}{ControlCharacters.Escape(Words(result))}");

    public void Ended(HoldSummary summary)
    {
        output.WriteLine($"\n--- {options.Target.Name} ---");
        foreach (var line in HoldConclusion.Of(summary))
        {
            output.WriteLine(line);
        }
    }

    private string Words(HoldResult result) => result.Outcome switch
    {
        HoldOutcome.Survived => "survived",
        HoldOutcome.StillSilent => $"still silent after {TimeText.Measured(result.After!.Value)}",
        HoldOutcome.Dropped =>
            $"dropped: no answer to the message after {TimeText.Exact(result.Idle)} of silence within {TimeText.Exact(options.Timeout)}",
        HoldOutcome.Failed => $"{result.Label}: {result.Failure!.Message}{result.Failure.ReceivedText}",
        _ => $"{result.Label} by the peer {(result.EndedInSilence
            ? $"after {TimeText.Measured(result.After!.Value)}"
            : $"at the message after {TimeText.Exact(result.Idle)} of silence")}",
    };
}
