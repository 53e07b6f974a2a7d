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
    public void Connected(PeerConnection connection) => output.WriteLine(ConnectionText.Of(target, connection));

    public void Answered(SendMessage message, EchoTimes times)
    {
        var length = Counted(message.Bytes.Length, "byte");
        var text = showsText ? $" \"{Shown(message.Bytes)}\"" : "";
        output.WriteLine($"{length} from {target.Name}: seq={message.Sequence} time={ConnectionText.Milliseconds(times.RoundTrip)} ms{text}");
    }

    public void Failed(SendMessage message, PeerException failure)
    {
        output.WriteLine($"{target.Name}: seq={message.Sequence} {failure.Result.Label()}: {At(failure)}{failure.Message}{failure.ReceivedText}");
    }

    public void Ended(SendTally tally)
    {
        var lost = tally.Messages == 0 ? 0 : 100.0 * (tally.Messages - tally.Same) / tally.Messages;
        output.WriteLine($"\n--- {target.Name} ---");
        var messages = Counted(tally.Messages, "message");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{messages}, {tally.Same} came back the same, {lost:0.#} % lost"));
        if (tally.Phases.Any())
        {
            var phases = tally.Phases.Select(phase => string.Create(CultureInfo.InvariantCulture, $"{phase.Name} {phase.Mean:0.000} ms"));
            output.WriteLine($"phases on average: {string.Join(", ", phases)}");
        }

        if (tally.Same > 0)
        {
            var (min, max) = (ConnectionText.Milliseconds(tally.Min), ConnectionText.Milliseconds(tally.Max));
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"round trip min/avg/max/stddev = {min}/{tally.Mean:0.000}/{max}/{tally.Deviation:0.000} ms"));
        }
    }

    /// <summary>Of a name, the address where connecting failed; those that did not accept are in the message itself.</summary>
    private string At(PeerException failure) => target.KnownEndPoint is null && failure.Address is { } address ? $"at {address}: " : "";

    private static string Counted(long count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";

    private static string Shown(ReadOnlyMemory<byte> bytes) => MessageText.Escape(new ReadOnlySequence<byte>(bytes));
}
