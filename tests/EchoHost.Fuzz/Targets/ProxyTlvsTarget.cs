using System.Buffers.Binary;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Tests.Infrastructure;
using Kestrel.ProxyProtocol;

namespace EchoHost.Fuzz.Targets;

/// <summary>
/// Version 2's values, in a header with the right length and checksum, which a fuzzer does not find by itself: the values
/// fill the header to its end, the checksum matches, and with a checksum any changed bit is detected.
/// </summary>
internal static class ProxyTlvsTarget
{
    private const int TlvsAt = 28;

    public static FuzzTarget Target { get; } = new(
        "proxy-tlvs", "version 2's values fill the header, and its checksum covers every bit", Check, typeof(ProxyHeaderParser), Seeds);

    private static void Check(byte[] input)
    {
        // The first byte selects the bit to change.
        if (input.Length < 1 || input.Length - 1 > ProxyHeaderParser.MaxV2Payload - (TlvsAt - 16))
        {
            return;
        }

        var tlvs = input.AsSpan(1);
        byte[] bytes = [.. ProxyHeaderParser.V2Signature, 0x21, 0x11, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 4, 1, 0xBB, .. tlvs];
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(14), (ushort)(bytes.Length - 16));
        var checksumAt = ChecksumAt(bytes);
        if (checksumAt > 0)
        {
            bytes.AsSpan(checksumAt, 4).Clear();
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(checksumAt), ProxyHeaders.Reference(bytes));
        }

        var status = ProxyHeaderParser.Parse(bytes, out var header, out _);
        Property.Holds(status is ProxyParseStatus.Ok or ProxyParseStatus.Malformed, $"a whole header with a right checksum is {status}");
        if (status != ProxyParseStatus.Ok)
        {
            return;
        }

        Property.Holds(header.Length == bytes.Length && header.Tlvs.Length == tlvs.Length, "the values do not end where the header does");
        var isInPlace = header.Tlvs.IsEmpty || (header.Tlvs.Overlaps(bytes.AsSpan(TlvsAt), out var shift) && shift == 0);
        Property.Holds(isInPlace, "the values are not those of the header");
        var count = 0;
        var values = new ProxyTlvReader(header.Tlvs);
        while (values.TryRead(out _, out var value))
        {
            count++;
            Property.Holds(value.IsEmpty || header.Tlvs.Overlaps(value), "a value is not in the header");
        }

        Property.Holds(values.Remaining == 0 && count <= header.Tlvs.Length / 3, $"{count} values end {values.Remaining} before {header.Tlvs.Length}");
        ProxyDescription.From(header.Version, header.Tlvs);
        if (checksumAt > 0)
        {
            // Change a bit in the values or in the addresses.
            var changed = 16 + (input[0] * 8 % (bytes.Length - 16));
            bytes[changed] ^= (byte)(1 << (input[0] % 8));
            // If the change hit the checksum's own type or length, there is no checksum any more.
            var isNoticed = ProxyHeaderParser.Parse(bytes, out _, out _) != ProxyParseStatus.Ok || ChecksumAt(bytes) != checksumAt;
            Property.Holds(isNoticed, $"byte {changed} has changed and the checksum is still right");
        }
    }

    /// <summary>
    /// The checksum's offset, found independently of the parser; 0 if there is none, -1 if the values do not fit.
    /// </summary>
    private static int ChecksumAt(byte[] header)
    {
        var found = 0;
        for (var at = TlvsAt; at < header.Length;)
        {
            if (header.Length - at < 3)
            {
                return -1;
            }

            var length = (header[at + 1] << 8) | header[at + 2];
            if (header[at] == 0x03 && length == 4 && at + 7 <= header.Length)
            {
                found = at + 3;
            }

            at += 3 + length;
        }

        return found;
    }

    private static IEnumerable<byte[]> Seeds()
    {
        yield return [0, 0x03, 0, 4, 0, 0, 0, 0];
        yield return [9, 0x02, 0, 9, .. "a.example"u8, 0x03, 0, 4, 0, 0, 0, 0, 0x04, 0, 1, 0];
        yield return [3, 0x20, 0, 25, 7, 0, 0, 0, 0, 0x21, 0, 7, .. "TLSv1.3"u8, 0x22, 0, 2, .. "me"u8, 0x23, 0, 2, .. "AE"u8];
        yield return [1, 0x05, 0, 4, .. "id-1"u8, 0xEA, 0, 5, 1, .. "vpce"u8, 0xEE, 0, 5, 1, 1, 0, 0, 0, 0x01, 0, 2, .. "h2"u8];
        yield return [1, 0x20, 0, 4, 0, 0, 0, 0];
    }
}
