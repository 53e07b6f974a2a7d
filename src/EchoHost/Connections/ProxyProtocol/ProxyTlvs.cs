using System.Buffers.Binary;
using System.Numerics;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>Version 2's type-length-values (proxy-protocol.txt, section 2.2): checked as the header is parsed, read when somebody wants to show them.</summary>
internal static class ProxyTlvs
{
    public const byte Alpn = 0x01;
    public const byte Authority = 0x02;
    public const byte Crc32C = 0x03;
    public const byte UniqueId = 0x05;
    public const byte Ssl = 0x20;
    public const byte SslVersion = 0x21;
    public const byte SslCommonName = 0x22;
    public const byte SslCipher = 0x23;

    /// <summary>Amazon's own: 1, then the id of the VPC endpoint.</summary>
    public const byte Aws = 0xEA;

    /// <summary>Microsoft's own: 1, then the private link's id, 32 bits, least significant byte first.</summary>
    public const byte Azure = 0xEE;

    public const int MostUniqueIdBytes = 128;

    /// <summary>In an SSL value: the client's flags and the result of verifying its certificate.</summary>
    public const int SslPrefixLength = 5;

    private const int TypeAndLength = 3;
    private const int ChecksumLength = 4;

    /// <summary>Checks that the values end where the header ends, have the sizes they must have, and that a checksum is right.</summary>
    /// <param name="header">The whole header.</param>
    /// <param name="offset">Where its values begin.</param>
    /// <param name="problem">What is wrong, in words.</param>
    public static ProxyParseStatus Check(ReadOnlySpan<byte> header, int offset, out string? problem)
    {
        var checksumAt = -1;
        for (var at = offset; at < header.Length;)
        {
            if (!TryTake(header, ref at, out var type, out var value))
            {
                problem = "version 2 has a value that runs past its end";
                return ProxyParseStatus.Malformed;
            }

            problem = type switch
            {
                Crc32C when value.Length != ChecksumLength => $"version 2 has a CRC32C of {value.Length} bytes",
                Crc32C when checksumAt >= 0 => "version 2 has two CRC32C values",
                UniqueId when value.Length > MostUniqueIdBytes => $"version 2 has a unique id of {value.Length} bytes; at most {MostUniqueIdBytes} are allowed",
                Ssl => CheckSsl(value),
                _ => null,
            };
            if (problem is not null)
            {
                return ProxyParseStatus.Malformed;
            }

            if (type == Crc32C)
            {
                checksumAt = at - ChecksumLength;
            }
        }

        if (checksumAt >= 0 && BinaryPrimitives.ReadUInt32BigEndian(header[checksumAt..]) != Checksum(header, checksumAt))
        {
            problem = "version 2's CRC32C is not that of its bytes";
            return ProxyParseStatus.ChecksumMismatch;
        }

        problem = null;
        return ProxyParseStatus.Ok;
    }

    /// <summary>Takes the value at <paramref name="at"/> and moves past it; false where it does not fit.</summary>
    public static bool TryTake(ReadOnlySpan<byte> bytes, ref int at, out byte type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (bytes.Length - at < TypeAndLength)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 1)..]);
        if (bytes.Length - at - TypeAndLength < length)
        {
            return false;
        }

        type = bytes[at];
        value = bytes.Slice(at + TypeAndLength, length);
        at += TypeAndLength + length;
        return true;
    }

    /// <summary>The CRC32C (RFC 4960, appendix B) of the header with the checksum's own four bytes taken as zero.</summary>
    public static uint Checksum(ReadOnlySpan<byte> header, int checksumAt)
    {
        var crc = Update(uint.MaxValue, header[..checksumAt]);
        crc = BitOperations.Crc32C(crc, 0u);
        return ~Update(crc, header[(checksumAt + ChecksumLength)..]);
    }

    private static uint Update(uint crc, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return crc;
    }

    private static string? CheckSsl(ReadOnlySpan<byte> value)
    {
        if (value.Length < SslPrefixLength)
        {
            return $"version 2 has an SSL value of {value.Length} bytes";
        }

        for (var at = SslPrefixLength; at < value.Length;)
        {
            if (!TryTake(value, ref at, out _, out _))
            {
                return "version 2 has an SSL value whose parts run past its end";
            }
        }

        return null;
    }
}
