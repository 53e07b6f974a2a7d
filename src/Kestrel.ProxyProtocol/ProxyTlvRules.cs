using System.Buffers.Binary;
using System.Numerics;

namespace Kestrel.ProxyProtocol;

/// <summary>The rules for version 2's values (section 2.2), checked while the header is parsed.</summary>
internal static class ProxyTlvRules
{
    private const int MaxUniqueIdLength = 128;
    private const int ChecksumLength = 4;

    /// <summary>
    /// Checks that the values end where the header ends, that their sizes are valid, and that a checksum is right.
    /// </summary>
    /// <param name="header">The whole header.</param>
    /// <param name="offset">The offset of its values.</param>
    /// <param name="problem">What is wrong, in words.</param>
    public static ProxyParseStatus Check(ReadOnlySpan<byte> header, int offset, out string? problem)
    {
        var checksumAt = -1;
        for (var tlvs = new ProxyTlvReader(header[offset..]); tlvs.Remaining > 0;)
        {
            if (!tlvs.TryRead(out var type, out var value))
            {
                problem = "version 2 has a value that runs past its end";
                return ProxyParseStatus.Malformed;
            }

            problem = type switch
            {
                ProxyTlvType.Crc32C when value.Length != ChecksumLength => $"version 2 has a CRC32C of {value.Length} bytes",
                ProxyTlvType.Crc32C when checksumAt >= 0 => "version 2 has two CRC32C values",
                ProxyTlvType.UniqueId when value.Length > MaxUniqueIdLength =>
                    $"version 2 has a unique id of {value.Length} bytes; at most {MaxUniqueIdLength} are allowed",
                ProxyTlvType.Ssl => CheckSsl(value),
                _ => null,
            };
            if (problem is not null)
            {
                return ProxyParseStatus.Malformed;
            }

            if (type == ProxyTlvType.Crc32C)
            {
                checksumAt = header.Length - tlvs.Remaining - ChecksumLength;
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

    /// <summary>The CRC32C (RFC 4960, appendix B) of the header with the checksum's own four bytes taken as zero.</summary>
    private static uint Checksum(ReadOnlySpan<byte> header, int checksumAt)
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
        if (value.Length < ProxySslValue.PrefixLength)
        {
            return $"version 2 has an SSL value of {value.Length} bytes";
        }

        for (var parts = new ProxyTlvReader(value[ProxySslValue.PrefixLength..]); parts.Remaining > 0;)
        {
            if (!parts.TryRead(out _, out _))
            {
                return "version 2 has an SSL value whose parts run past its end";
            }
        }

        return null;
    }
}
