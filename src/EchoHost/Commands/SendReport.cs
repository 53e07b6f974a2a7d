using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using EchoHost.Echo;
using EchoHost.Peers;

namespace EchoHost.Commands;

/// <summary>Says on standard output what came of each message.</summary>
internal interface ISendReport
{
    void Connected(PeerConnection connection);

    void Answered(int sequence, ReadOnlyMemory<byte> message, TimeSpan roundTrip);

    void Failed(int sequence, ReadOnlyMemory<byte> message, PeerException failure);

    void Ended(SendTally tally);
}

/// <summary>As ping does it: a line a message, and a summary.</summary>
/// <param name="target">Who was asked.</param>
/// <param name="showsText">Whether what came back is worth showing, which random bytes are not.</param>
internal sealed class TextSendReport(PeerTarget target, bool showsText) : ISendReport
{
    public void Connected(PeerConnection connection)
    {
        var phases = connection.Phases;
        var resolve = phases.Resolve > TimeSpan.Zero && connection.RemoteEndPoint.ToString() != target.Name ? $" at {connection.RemoteEndPoint}: resolve {Milliseconds(phases.Resolve)} ms," : ":";
        var tls = connection.Tls is { } agreed ? $", TLS {Milliseconds(phases.Tls)} ms ({agreed})" : "";
        StandardOutput.WriteLine($"Connected to {target.Name}{resolve} connect {Milliseconds(phases.Connect)} ms{tls}");
    }

    public void Answered(int sequence, ReadOnlyMemory<byte> message, TimeSpan roundTrip) =>
        StandardOutput.WriteLine($"{message.Length} {(message.Length == 1 ? "byte" : "bytes")} from {target.Name}: seq={sequence} time={Milliseconds(roundTrip)} ms{(showsText ? $" \"{Shown(message)}\"" : "")}");

    public void Failed(int sequence, ReadOnlyMemory<byte> message, PeerException failure) =>
        StandardOutput.WriteLine($"{target.Name}: seq={sequence} {failure.Result.Label()}: {failure.Message}{(failure.Received.IsEmpty ? "" : $": \"{Shown(failure.Received)}\"")}");

    public void Ended(SendTally tally)
    {
        if (tally.Messages == 0)
        {
            return;
        }

        var lost = 100.0 * (tally.Messages - tally.Same) / tally.Messages;
        StandardOutput.WriteLine($"\n--- {target.Name} ---");
        StandardOutput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tally.Messages} {(tally.Messages == 1 ? "message" : "messages")}, {tally.Same} came back the same, {lost:0.#} % lost"));
        if (tally.Same > 0)
        {
            StandardOutput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round trip min/avg/max/stddev = {Milliseconds(tally.Least)}/{tally.Mean:0.000}/{Milliseconds(tally.Most)}/{tally.Deviation:0.000} ms"));
        }
    }

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Shown(ReadOnlyMemory<byte> bytes) => MessageText.Escape(new ReadOnlySequence<byte>(bytes));
}

/// <summary>One JSON object a message, a line each.</summary>
internal sealed class JsonSendReport : ISendReport
{
    private PhaseTimes? _phases;

    public void Connected(PeerConnection connection) => _phases = connection.Phases;

    public void Answered(int sequence, ReadOnlyMemory<byte> message, TimeSpan roundTrip) => Write(sequence, message, roundTrip, ProbeResult.Ok, null);

    public void Failed(int sequence, ReadOnlyMemory<byte> message, PeerException failure) => Write(sequence, message, null, failure.Result, failure.Message);

    public void Ended(SendTally tally)
    {
    }

    private void Write(int sequence, ReadOnlyMemory<byte> message, TimeSpan? roundTrip, ProbeResult result, string? error)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("seq", sequence);
            json.WriteNumber("bytes", message.Length);
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

            if (_phases is { } phases)
            {
                // The message for which the connection was made.
                json.WriteNumber("resolveMicroseconds", phases.Resolve.TotalMicroseconds);
                json.WriteNumber("connectMicroseconds", phases.Connect.TotalMicroseconds);
                json.WriteNumber("tlsMicroseconds", phases.Tls.TotalMicroseconds);
                _phases = null;
            }

            json.WriteEndObject();
        }

        StandardOutput.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }
}
