using System.Buffers;
using System.Buffers.Binary;

namespace EchoHost.Connections.Tls;

/// <summary>Reads a client's first TLS message, before the handshake (RFC 8446, section 4.1.2).</summary>
internal static class ClientHello
{
    private const int RecordHeader = 5;
    private const int MessageHeader = 4;
    private const byte ClientHelloMessage = 1;
    private const ushort AlpnExtension = 16;

    /// <summary>The maximum length of a record's content, in bytes (RFC 8446, section 5.1).</summary>
    private const int MaxRecord = 16384;

    /// <summary>Reads the application protocol that the client prefers (ALPN, RFC 7301, section 3.1).</summary>
    /// <param name="received">What the client has sent so far.</param>
    /// <param name="protocol">
    /// The first protocol that it offers; empty if it offers none, or if the bytes are not a ClientHello in one record.
    /// </param>
    /// <returns>Whether the bytes are enough to tell.</returns>
    public static bool TryReadProtocol(in ReadOnlySequence<byte> received, out byte[] protocol)
    {
        protocol = [];
        Span<byte> header = stackalloc byte[RecordHeader];
        if (received.Length < RecordHeader)
        {
            return false;
        }

        received.Slice(0, RecordHeader).CopyTo(header);
        var length = BinaryPrimitives.ReadUInt16BigEndian(header[3..]);
        if (length > MaxRecord)
        {
            return true;
        }

        if (received.Length < RecordHeader + length)
        {
            return false;
        }

        protocol = FirstProtocol(received.Slice(RecordHeader, length).ToArray());
        return true;
    }

    private static byte[] FirstProtocol(ReadOnlySpan<byte> message)
    {
        // Version and random, then the session id, the cipher suites and the compression methods, each with its length.
        const int versionAndRandom = 2 + 32;
        if (message.Length < MessageHeader + versionAndRandom || message[0] != ClientHelloMessage)
        {
            return [];
        }

        var rest = message[(MessageHeader + versionAndRandom)..];
        return TryTake(ref rest, 1, out _) && TryTake(ref rest, 2, out _) && TryTake(ref rest, 1, out _) && TryTake(ref rest, 2, out var extensions)
            && TryFindAlpn(extensions, out var alpn) && TryTake(ref alpn, 2, out var names) && TryTake(ref names, 1, out var first)
                ? first.ToArray()
                : [];
    }

    private static bool TryFindAlpn(ReadOnlySpan<byte> extensions, out ReadOnlySpan<byte> alpn)
    {
        while (extensions.Length >= 2)
        {
            var type = BinaryPrimitives.ReadUInt16BigEndian(extensions);
            extensions = extensions[2..];
            if (!TryTake(ref extensions, 2, out alpn))
            {
                return false;
            }

            if (type == AlpnExtension)
            {
                return true;
            }
        }

        alpn = default;
        return false;
    }

    /// <summary>Takes a vector that begins with its length (RFC 8446, section 3.4).</summary>
    private static bool TryTake(scoped ref ReadOnlySpan<byte> bytes, int lengthBytes, out ReadOnlySpan<byte> vector)
    {
        vector = default;
        if (bytes.Length < lengthBytes)
        {
            return false;
        }

        var length = lengthBytes == 1 ? bytes[0] : BinaryPrimitives.ReadUInt16BigEndian(bytes);
        if (bytes.Length - lengthBytes < length)
        {
            return false;
        }

        vector = bytes.Slice(lengthBytes, length);
        bytes = bytes[(lengthBytes + length)..];
        return true;
    }
}
