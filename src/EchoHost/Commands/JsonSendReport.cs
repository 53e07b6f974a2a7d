using EchoHost.Peers;
using EchoHost.Text;

namespace EchoHost.Commands;

/// <summary>Prints one JSON object per line for each message.</summary>
/// <param name="output">Where it prints.</param>
/// <param name="target">The peer.</param>
internal sealed class JsonSendReport(TextWriter output, PeerTarget target) : ISendReport
{
    private PhaseTimes? _phases;

    public void Connected(PeerConnection connection) => _phases = connection.Phases;

    public void Answered(SendMessage message, EchoTimes times) => Write(message, times, ProbeResult.Ok, null);

    public void Failed(SendMessage message, PeerException failure)
    {
        _phases ??= failure.Phases;
        Write(message with { Address = message.Address ?? failure.Address }, null, failure.Result, failure.Message);
    }

    public void Ended(SendTally tally)
    {
    }

    private void Write(SendMessage message, EchoTimes? times, ProbeResult result, string? error)
    {
        output.WriteLine(JsonText.Of(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("seq", message.Sequence);
            json.WriteNumber("bytes", message.Bytes.Length);
            json.WriteNumberOrNull("roundTripMicroseconds", times?.RoundTrip.TotalMicroseconds);
            json.WriteString("result", result.Label());
            if (error is not null)
            {
                json.WriteString("error", error);
            }

            json.WriteString("time", message.At.UtcDateTime);
            json.WriteString("target", target.Name);
            json.WriteString("address", message.Address?.ToString());
            // Only the message for which the connection was made has the phases of connecting.
            json.WriteNumberOrNull("resolveMicroseconds", _phases?.Resolve?.TotalMicroseconds);
            json.WriteNumberOrNull("connectMicroseconds", _phases?.Connect.TotalMicroseconds);
            json.WriteNumberOrNull("proxyMicroseconds", _phases?.Proxy?.TotalMicroseconds);
            json.WriteNumberOrNull("tlsMicroseconds", _phases?.Tls?.TotalMicroseconds);
            json.WriteNumberOrNull("firstAnswerMicroseconds", times?.FirstAnswer.TotalMicroseconds);
            _phases = null;
            json.WriteEndObject();
        }));
    }
}
