using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using EchoHost.Peers;

namespace EchoHost.Commands;

/// <summary>Prints one JSON object per line for each message.</summary>
/// <param name="output">Where it prints.</param>
/// <param name="target">The peer.</param>
internal sealed class JsonSendReport(TextWriter output, PeerTarget target) : ISendReport
{
    private PhaseTimes? _phases;

    public void Connected(PeerConnection connection) => _phases = connection.Phases;

    public void Answered(SendMessage message, TimeSpan roundTrip) => Write(message, roundTrip, ProbeResult.Ok, null);

    public void Failed(SendMessage message, PeerException failure) => Write(message, null, failure.Result, failure.Message);

    public void Ended(SendTally tally)
    {
    }

    private void Write(SendMessage message, TimeSpan? roundTrip, ProbeResult result, string? error)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("seq", message.Sequence);
            json.WriteNumber("bytes", message.Bytes.Length);
            if (roundTrip is { } time)
            {
                json.WriteNumber("roundTripMicroseconds", time.TotalMicroseconds);
            }
            else
            {
                json.WriteNull("roundTripMicroseconds");
            }

            json.WriteString("result", result.Label());
            if (error is not null)
            {
                json.WriteString("error", error);
            }

            json.WriteString("time", message.At.UtcDateTime);
            json.WriteString("target", target.Name);
            json.WriteString("address", message.Address?.ToString());
            if (_phases is { } phases)
            {
                // Only the message for which the connection was made has these.
                json.WriteNumber("resolveMicroseconds", phases.Resolve.TotalMicroseconds);
                json.WriteNumber("connectMicroseconds", phases.Connect.TotalMicroseconds);
                json.WriteNumber("tlsMicroseconds", phases.Tls.TotalMicroseconds);
                _phases = null;
            }

            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }
}
