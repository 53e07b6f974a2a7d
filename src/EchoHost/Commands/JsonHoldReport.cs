using System.Text.Json;
using EchoHost.Peers;
using EchoHost.Peers.Hold;
using EchoHost.Text;

namespace EchoHost.Commands;

/// <summary>Prints one JSON object per line for each idle time, and one for the idle timeout.</summary>
/// <param name="output">Where it prints.</param>
/// <param name="target">The peer.</param>
internal sealed class JsonHoldReport(TextWriter output, PeerTarget target) : IHoldReport
{
    public void Begun(ConnectionTally tally)
    {
    }

    public void Known(HoldResult result) => Write(json =>
    {
        json.WriteNumber("idleSeconds", Seconds(result.Idle));
        json.WriteString("result", result.Label);
        json.WriteNumberOrNull("afterSeconds", result.After is { } after ? Seconds(after) : null);
        if (result.HasEnded)
        {
            json.WriteString("endedAt", result.EndedInSilence ? "silence" : "message");
        }

        if (result.Failure is { } failure)
        {
            json.WriteString("error", failure.Message);
        }

        json.WriteNumberOrNull("roundTripMicroseconds", result.RoundTrip?.TotalMicroseconds);
        json.WriteString("target", target.Name);
        json.WriteString("address", result.Address?.ToString());
    });

    public void Ended(HoldSummary summary) => Write(json =>
    {
        if (summary.IdleTimeout is not { } found)
        {
            json.WriteNull("idleTimeout");
            return;
        }

        json.WriteStartObject("idleTimeout");
        json.WriteNumber("moreThanSeconds", Seconds(found.MoreThan));
        json.WriteNumber("atMostSeconds", Seconds(found.AtMost));
        json.WriteString("endedBy", found.EndedBy.Label());
        json.WriteBoolean("exact", found.IsExact);
        json.WriteEndObject();
    });

    private static double Seconds(TimeSpan time) => Math.Round(time.TotalSeconds, 3);

    private void Write(Action<Utf8JsonWriter> write) => output.WriteLine(JsonText.Of(json =>
    {
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    }));
}
