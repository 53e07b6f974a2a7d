using System.Buffers;
using System.Globalization;
using EchoHost.Peers;
using EchoHost.Text;

namespace EchoHost.Commands;

/// <summary>Prints as ping does: a line for each message, and a summary.</summary>
/// <param name="output">Where it prints.</param>
/// <param name="target">The peer.</param>
/// <param name="showsText">Whether to show the echoed text; random bytes are not worth showing.</param>
internal sealed class TextSendReport(TextWriter output, PeerTarget target, bool showsText) : ISendReport
{
    public void Connected(PeerConnection connection)
    {
        var phases = connection.Phases;
        var isNamed = target.KnownEndPoint is null;
        var at = isNamed ? $" at {connection.RemoteEndPoint}" : "";
        var passed = string.Concat(connection.Passed.Select(passed =>
            $"; {passed.Address} did not accept: {passed.Failure.Result.Label()}: {passed.Failure.Message}"));
        var resolve = isNamed ? $" resolve {Milliseconds(phases.Resolve)} ms," : "";
        var tls = connection.Tls is { } agreed ? $", TLS {Milliseconds(phases.Tls)} ms ({agreed})" : "";
        output.WriteLine($"Connected to {target.Name}{at}:{resolve} connect {Milliseconds(phases.Connect)} ms{tls}{passed}");
    }

    public void Answered(SendMessage message, TimeSpan roundTrip)
    {
        var length = Counted(message.Bytes.Length, "byte");
        var text = showsText ? $" \"{Shown(message.Bytes)}\"" : "";
        output.WriteLine($"{length} from {target.Name}: seq={message.Sequence} time={Milliseconds(roundTrip)} ms{text}");
    }

    public void Failed(SendMessage message, PeerException failure)
    {
        var received = failure.Received.IsEmpty ? "" : $": \"{Shown(failure.Received)}\"";
        output.WriteLine($"{target.Name}: seq={message.Sequence} {failure.Result.Label()}: {failure.Message}{received}");
    }

    public void Ended(SendTally tally)
    {
        var lost = tally.Messages == 0 ? 0 : 100.0 * (tally.Messages - tally.Same) / tally.Messages;
        output.WriteLine($"\n--- {target.Name} ---");
        var messages = Counted(tally.Messages, "message");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{messages}, {tally.Same} came back the same, {lost:0.#} % lost"));
        if (tally.Same > 0)
        {
            var (min, max) = (Milliseconds(tally.Min), Milliseconds(tally.Max));
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"round trip min/avg/max/stddev = {min}/{tally.Mean:0.000}/{max}/{tally.Deviation:0.000} ms"));
        }
    }

    private static string Counted(long count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Shown(ReadOnlyMemory<byte> bytes) => MessageText.Escape(new ReadOnlySequence<byte>(bytes));
}
