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
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("seq", message.Sequence);
            json.WriteNumber("bytes", message.Bytes.Length);
            Write(json, "roundTripMicroseconds", times?.RoundTrip);
            json.WriteString("result", result.Label());
            if (error is not null)
            {
                json.WriteString("error", error);
            }

            json.WriteString("time", message.At.UtcDateTime);
            json.WriteString("target", target.Name);
            json.WriteString("address", message.Address?.ToString());
            // Only the message for which the connection was made has the phases of connecting.
            Write(json, "resolveMicroseconds", _phases?.Resolve);
            Write(json, "connectMicroseconds", _phases?.Connect);
            Write(json, "proxyMicroseconds", _phases?.Proxy);
            Write(json, "tlsMicroseconds", _phases?.Tls);
            Write(json, "firstAnswerMicroseconds", times?.FirstAnswer);
            _phases = null;
            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static void Write(Utf8JsonWriter json, string name, TimeSpan? time)
    {
        if (time is { } took)
        {
            json.WriteNumber(name, took.TotalMicroseconds);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
