using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Kestrel.ProxyProtocol;

/// <summary>
/// Parses PROXY protocol headers strictly: it rejects what the specification (HAProxy's proxy-protocol.txt; section numbers
/// refer to it) does not allow, at the first byte that shows it. Pure: the same bytes give the same result, however they
/// arrive.
/// </summary>
public static class ProxyHeaderParser
{
    /// <summary>The maximum length of a version 1 line with its CRLF (section 2.1).</summary>
    public const int MaxV1Length = 107;

    /// <summary>The maximum length that version 2 may announce after its first 16 bytes; the field would allow 65,535.</summary>
    public const int MaxV2Payload = 4096;

    /// <summary>The maximum length of a header.</summary>
    public const int MaxLength = V2PrefixLength + MaxV2Payload;

    private const int V2PrefixLength = 16;
    private const int INetLength = 12;
    private const int INet6Length = 36;
    private const int UnixLength = 216;

    private static readonly SearchValues<byte> AddressCharacters = SearchValues.Create("0123456789abcdefABCDEF:."u8);
    private static readonly SearchValues<byte> FieldCharacters = SearchValues.Create("0123456789abcdefABCDEF:. "u8);

    private static ReadOnlySpan<byte> V1Prefix => "PROXY "u8;

    /// <summary>The first bytes of version 2 (section 2.2).</summary>
    public static ReadOnlySpan<byte> V2Signature => [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    /// <summary>Parses the header at the start of <paramref name="bytes"/>.</summary>
    /// <remarks>Allocates only for IPv6 in version 1 and for <paramref name="problem"/>.</remarks>
    /// <param name="bytes">
    /// The bytes read so far, from the first byte of the connection. Bytes after the header are ignored.
    /// </param>
    /// <param name="header">The header if the result is <see cref="ProxyParseStatus.Ok"/>.</param>
    /// <param name="problem">
    /// What is wrong with rejected bytes, in words for a log line after "rejected:"; otherwise null.
    /// </param>
    /// <returns>The state of the bytes. Only <see cref="ProxyParseStatus.NeedMore"/> can change with more bytes.</returns>
    public static ProxyParseStatus Parse(ReadOnlySpan<byte> bytes, out ProxyHeader header, out string? problem)
    {
        header = default;
        problem = null;
        if (bytes.IsEmpty)
        {
            return ProxyParseStatus.NeedMore;
        }

        if (IsPrefix(V1Prefix, bytes))
        {
            return bytes.Length > V1Prefix.Length ? ParseV1(bytes, out header, out problem) : ProxyParseStatus.NeedMore;
        }

        if (IsPrefix(V2Signature, bytes))
        {
            return bytes.Length > V2Signature.Length ? ParseV2(bytes, out header, out problem) : ProxyParseStatus.NeedMore;
        }

        problem = "it begins no PROXY header";
        return ProxyParseStatus.Missing;
    }

    /// <summary>Whether the bytes so far match <paramref name="prefix"/>.</summary>
    private static bool IsPrefix(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> bytes)
    {
        var length = Math.Min(prefix.Length, bytes.Length);
        return prefix[..length].SequenceEqual(bytes[..length]);
    }

    private static ProxyParseStatus ParseV1(ReadOnlySpan<byte> bytes, out ProxyHeader header, out string? problem)
    {
        header = default;
        var rest = bytes[V1Prefix.Length..];
        var isUnknown = IsPrefix("UNKNOWN"u8, rest);
        if (!isUnknown && !IsPrefix("TCP4 "u8, rest) && !IsPrefix("TCP6 "u8, rest))
        {
            return Malformed(out problem, "version 1 names no protocol that there is");
        }

        var line = bytes[..Math.Min(bytes.Length, MaxV1Length)];
        var end = line.IndexOfAny((byte)'\r', (byte)'\n');
        if (end >= 0 && line[end] == '\n')
        {
            return Malformed(out problem, "version 1 has a line feed without a carriage return");
        }

        if (end < 0 || end == line.Length - 1)
        {
            if (bytes.Length >= MaxV1Length)
            {
                return Malformed(out problem, $"version 1 has no end within {MaxV1Length} bytes");
            }

            // Reject at once what more bytes can't repair.
            var soFar = end < 0 ? line : line[..end];
            return isUnknown || HasOnlyAddressCharacters(soFar)
                ? NeedMore(out problem)
                : Malformed(out problem, "version 1 has a character that belongs to no address or port");
        }

        if (line[end + 1] != '\n')
        {
            return Malformed(out problem, "version 1 has a carriage return without a line feed");
        }

        return ParseV1Fields(line[V1Prefix.Length..end], end + 2, out header, out problem);
    }

    private static bool HasOnlyAddressCharacters(ReadOnlySpan<byte> line) =>
        line.Length <= V1Prefix.Length + "TCP4 ".Length || !line[(V1Prefix.Length + "TCP4 ".Length)..].ContainsAnyExcept(FieldCharacters);

    private static ProxyParseStatus ParseV1Fields(ReadOnlySpan<byte> fields, int length, out ProxyHeader header, out string? problem)
    {
        header = default;
        if (fields.StartsWith("UNKNOWN"u8))
        {
            if (fields.Length > "UNKNOWN".Length && fields["UNKNOWN".Length] != ' ')
            {
                return Malformed(out problem, "version 1 names no protocol that there is");
            }

            // The specification says to ignore the rest of the line up to CRLF.
            header = new ProxyHeader { Version = 1, Length = length, Command = ProxyCommand.Proxy };
            problem = null;
            return ProxyParseStatus.Ok;
        }

        var isIPv6 = fields.StartsWith("TCP6 "u8);
        if (!isIPv6 && !fields.StartsWith("TCP4 "u8))
        {
            return Malformed(out problem, "version 1 names no protocol that there is");
        }

        var rest = fields["TCP4 ".Length..];
        if (!TakeField(ref rest, out var source) || !TakeField(ref rest, out var destination) || !TakeField(ref rest, out var sourcePort)
            || rest.Contains((byte)' '))
        {
            return Malformed(out problem, "version 1 does not have two addresses and two ports, one space apart");
        }

        if (!TryParseAddress(source, isIPv6, out var sourceAddress))
        {
            return Malformed(out problem, $"version 1 has a source address that is not {(isIPv6 ? "IPv6" : "IPv4")}");
        }

        // nginx's stream module writes its own address as the destination, of either family (ngx_proxy_protocol_write).
        var isDestinationIPv6 = destination.Contains((byte)':');
        if (!TryParseAddress(destination, isDestinationIPv6, out var destinationAddress))
        {
            return Malformed(out problem, "version 1 has a destination address that is none");
        }

        if (!TryParseNumber(sourcePort, ushort.MaxValue, out var sourceNumber) || !TryParseNumber(rest, ushort.MaxValue, out var destinationNumber))
        {
            return Malformed(out problem, "version 1 has a port that is none");
        }

        header = new ProxyHeader
        {
            Version = 1,
            Length = length,
            Command = ProxyCommand.Proxy,
            AddressFamily = isIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork,
            SocketType = SocketType.Stream,
            Source = new ProxyAddress(sourceAddress, isIPv6, (ushort)sourceNumber),
            Destination = new ProxyAddress(destinationAddress, isDestinationIPv6, (ushort)destinationNumber),
        };
        problem = null;
        return ProxyParseStatus.Ok;
    }

    /// <summary>Takes the field before the next space; false if there is no space.</summary>
    private static bool TakeField(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> field)
    {
        var space = rest.IndexOf((byte)' ');
        field = space < 0 ? default : rest[..space];
        rest = rest[(space + 1)..];
        return space >= 0;
    }

    /// <summary>Parses a decimal number without a sign or leading zeros.</summary>
    private static bool TryParseNumber(ReadOnlySpan<byte> text, int most, out int number)
    {
        number = 0;
        if (text.IsEmpty || text.Length > 5 || (text.Length > 1 && text[0] == '0'))
        {
            return false;
        }

        foreach (var c in text)
        {
            if (!char.IsAsciiDigit((char)c))
            {
                return false;
            }

            number = (number * 10) + (c - '0');
        }

        return number <= most;
    }

    private static bool TryParseAddress(ReadOnlySpan<byte> text, bool isIPv6, out UInt128 address)
    {
        if (isIPv6)
        {
            return TryParseIPv6(text, out address);
        }

        uint value = 0;
        address = default;
        for (var i = 0; i < 4; i++)
        {
            var dot = i < 3 ? text.IndexOf((byte)'.') : text.Length;
            if (dot < 0 || !TryParseNumber(text[..dot], byte.MaxValue, out var octet))
            {
                return false;
            }

            value = (value << 8) | (uint)octet;
            text = i < 3 ? text[(dot + 1)..] : text;
        }

        address = value;
        return true;
    }

    /// <summary>
    /// Parses with the runtime's parser, after rejecting the forms that it accepts beyond RFC 4291, section 2.2 (zones, brackets,
    /// prefixes).
    /// </summary>
    private static bool TryParseIPv6(ReadOnlySpan<byte> text, out UInt128 address)
    {
        address = default;
        if (text.ContainsAnyExcept(AddressCharacters) || !text.Contains((byte)':')
            || !IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out _);
        address = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

    private static ProxyParseStatus ParseV2(ReadOnlySpan<byte> bytes, out ProxyHeader header, out string? problem)
    {
        header = default;
        var versionAndCommand = bytes[V2Signature.Length];
        var isLocal = (versionAndCommand & 0x0F) == 0;
        if (versionAndCommand >> 4 != 2 || (versionAndCommand & 0x0F) > 1)
        {
            return Malformed(out problem, $"version 2 has the version and command 0x{versionAndCommand:x2}");
        }

        if (bytes.Length <= V2Signature.Length + 1)
        {
            return NeedMore(out problem);
        }

        var familyAndTransport = bytes[V2Signature.Length + 1];
        var (family, transport) = (familyAndTransport >> 4, familyAndTransport & 0x0F);
        if (!isLocal && (family > 3 || transport > 2))
        {
            return Malformed(out problem, $"version 2 has the family and transport 0x{familyAndTransport:x2}");
        }

        if (bytes.Length < V2PrefixLength)
        {
            return NeedMore(out problem);
        }

        var announced = BinaryPrimitives.ReadUInt16BigEndian(bytes[(V2PrefixLength - 2)..]);
        if (announced > MaxV2Payload)
        {
            return Malformed(out problem, $"version 2 announces {announced} bytes; at most {MaxV2Payload} are taken");
        }

        var block = family switch { 1 => INetLength, 2 => INet6Length, 3 => UnixLength, _ => 0 };
        if (!isLocal && announced < block)
        {
            return Malformed(out problem, $"version 2 announces {announced} bytes, fewer than the {block} of its addresses");
        }

        var length = V2PrefixLength + announced;
        if (bytes.Length < length)
        {
            return NeedMore(out problem);
        }

        // The content of a LOCAL header is ignored; with an unspecified family, the values can't be located.
        if (isLocal || family == 0)
        {
            header = new ProxyHeader
            {
                Version = 2,
                Length = length,
                Command = isLocal ? ProxyCommand.Local : ProxyCommand.Proxy,
                SocketType = isLocal ? SocketType.Unknown : SocketTypeOf(transport),
            };
            problem = null;
            return ProxyParseStatus.Ok;
        }

        var tlvs = bytes[(V2PrefixLength + block)..length];
        var status = ProxyTlvRules.Check(bytes[..length], V2PrefixLength + block, out problem);
        if (status == ProxyParseStatus.Ok)
        {
            header = WithAddresses(bytes.Slice(V2PrefixLength, block), family, transport, length, tlvs);
        }

        return status;
    }

    private static ProxyHeader WithAddresses(ReadOnlySpan<byte> block, int family, int transport, int length, ReadOnlySpan<byte> tlvs)
    {
        var header = new ProxyHeader
        {
            Version = 2,
            Length = length,
            Command = ProxyCommand.Proxy,
            AddressFamily = family switch
            {
                1 => AddressFamily.InterNetwork,
                2 => AddressFamily.InterNetworkV6,
                _ => AddressFamily.Unix,
            },
            SocketType = SocketTypeOf(transport),
            Tlvs = tlvs,
        };
        // A Unix socket's path is no use as an end point; without a transport the real end points apply.
        if (!header.HasAddresses)
        {
            return header;
        }

        var isIPv6 = family == 2;
        var size = isIPv6 ? 16 : 4;
        return header with
        {
            Source = new ProxyAddress(ReadAddress(block, isIPv6), isIPv6, BinaryPrimitives.ReadUInt16BigEndian(block[(2 * size)..])),
            Destination = new ProxyAddress(ReadAddress(block[size..], isIPv6), isIPv6, BinaryPrimitives.ReadUInt16BigEndian(block[((2 * size) + 2)..])),
        };
    }

    private static SocketType SocketTypeOf(int transport) => transport switch
    {
        1 => SocketType.Stream,
        2 => SocketType.Dgram,
        _ => SocketType.Unknown,
    };

    private static UInt128 ReadAddress(ReadOnlySpan<byte> bytes, bool isIPv6) =>
        isIPv6 ? BinaryPrimitives.ReadUInt128BigEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);

    private static ProxyParseStatus NeedMore(out string? problem)
    {
        problem = null;
        return ProxyParseStatus.NeedMore;
    }

    private static ProxyParseStatus Malformed(out string? problem, string why)
    {
        problem = why;
        return ProxyParseStatus.Malformed;
    }
}
