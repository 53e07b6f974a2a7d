using System.Buffers;
using EchoHost.Connections.Tls;

namespace EchoHost.Fuzz.Targets;

/// <summary>
/// The protocol in a ClientHello: the same however the bytes are cut, told as soon as the record is complete and not before, and
/// a part of the input.
/// </summary>
internal static class ClientHelloTarget
{
    private const int RecordHeader = 5;

    public static FuzzTarget Target { get; } = new(
        "client-hello", "the client's protocol does not depend on how the bytes are cut", Check, typeof(ClientHello), Seeds);

    private static void Check(byte[] input)
    {
        var isTold = ClientHello.TryReadProtocol(new ReadOnlySequence<byte>(input), out var protocol);
        Property.Holds(isTold || protocol.Length == 0, "a protocol of a message that is not complete");
        Property.Holds(protocol.Length <= byte.MaxValue && input.AsSpan().IndexOf(protocol) >= 0, "a protocol that the client did not name");
        foreach (var size in (int[])[1, 7])
        {
            var isToldInPieces = ClientHello.TryReadProtocol(Inputs.InPieces(input, size), out var inPieces);
            Property.Holds(isToldInPieces == isTold && inPieces.AsSpan().SequenceEqual(protocol), "the answer depends on how the bytes are cut");
        }

        if (isTold && input.Length > RecordHeader)
        {
            var record = RecordHeader + ((input[3] << 8) | input[4]);
            var whole = new ReadOnlySequence<byte>(input, 0, Math.Min(record, input.Length));
            Property.Holds(ClientHello.TryReadProtocol(whole, out var again) && again.AsSpan().SequenceEqual(protocol), "what follows the record matters");
        }
    }

    private static IEnumerable<byte[]> Seeds()
    {
        yield return Hello([0, 16, 0, 8, 0, 6, 2, .. "h2"u8, 2, .. "xy"u8]);
        yield return Hello([0, 0, 0, 1, 9, 0, 16, 0, 7, 0, 5, 4, .. "echo"u8]);
        yield return Hello([]);
        yield return Hello([0, 16, 0, 0]);
        yield return Hello([0, 16, 255, 255, 0, 1, 0]);
        yield return [22, 3, 1, 0];
        yield return [22, 3, 1, 255, 255, 1];
    }

    private static byte[] Hello(byte[] extensions)
    {
        byte[] body = [3, 3, .. new byte[32], 0, 0, 2, 0x13, 1, 1, 0, 0, (byte)extensions.Length, .. extensions];
        return [22, 3, 1, 0, (byte)(body.Length + 4), 1, 0, 0, (byte)body.Length, .. body];
    }
}
