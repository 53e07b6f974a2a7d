using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace EchoHost.Fuzz.Targets;

/// <summary>Converts the fuzzer's bytes to the inputs of targets.</summary>
internal static class Inputs
{
    /// <summary>A text of a configuration or an HTTP header: the framework reads each byte as one character.</summary>
    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>The lines of a text; padded with empty lines to at least <paramref name="least"/>.</summary>
    public static string[] Lines(ReadOnlySpan<byte> bytes, int least)
    {
        var lines = Text(bytes).Split('\n');
        return [.. lines, .. Enumerable.Repeat("", Math.Max(0, least - lines.Length))];
    }

    /// <summary>Takes an end point: a byte whose lowest bit selects IPv6, a port, an address. Missing bytes are 0.</summary>
    public static IPEndPoint TakeEndPoint(ref ReadOnlySpan<byte> bytes)
    {
        Span<byte> taken = stackalloc byte[19];
        var length = Math.Min(taken.Length, bytes.Length);
        bytes[..length].CopyTo(taken);
        bytes = bytes[length..];
        return new IPEndPoint(new IPAddress((taken[0] & 1) != 0 ? taken[3..] : taken[3..7]), BinaryPrimitives.ReadUInt16BigEndian(taken[1..]));
    }

    /// <summary>The bytes in as many segments as possible, with empty ones among them.</summary>
    public static ReadOnlySequence<byte> InPieces(ReadOnlyMemory<byte> bytes, int size)
    {
        var first = new Segment(bytes[..0], null);
        var last = first;
        for (var at = 0; at < bytes.Length; at += size)
        {
            last = new Segment(bytes.Slice(at, Math.Min(size, bytes.Length - at)), last);
        }

        last = new Segment(default, last);
        return new ReadOnlySequence<byte>(first, 0, last, 0);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is not null)
            {
                RunningIndex = before.RunningIndex + before.Memory.Length;
                before.Next = this;
            }
        }
    }
}
