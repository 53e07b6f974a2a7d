using EchoHost.Connections.ProxyProtocol;
using System.Net;
using Kestrel.ProxyProtocol;

namespace EchoHost.Fuzz.Targets;

/// <summary>
/// The first bytes of a connection that expects a PROXY header: the result depends neither on where the bytes are cut nor
/// on what follows the header; its values are shown as plain text; and the header is the same when written and read again.
/// </summary>
internal static class ProxyHeaderTarget
{
    /// <summary>The header is cut at each of its first bytes up to this one, where the version and the addresses are.</summary>
    private const int CutEverywhere = 256;

    /// <summary>More than the longest shown text: 256 escaped bytes, and the number of bytes left out.</summary>
    private const int MaxShown = 4 * 256 + 32;

    public static FuzzTarget Target { get; } = new(
        "proxy-header", "a PROXY header means the same however it is cut and whatever follows", Check, typeof(ProxyHeaderParser), Seeds);

    private static void Check(byte[] input)
    {
        var status = ProxyHeaderParser.Parse(input, out var header, out var problem);
        switch (status)
        {
            case ProxyParseStatus.Ok:
                Property.Holds(header.Length is > 0 and <= ProxyHeaderParser.MaxLength && header.Length <= input.Length, $"a header of {header.Length} bytes");
                Property.Holds(header.Version == (input[0] == 'P' ? 1 : 2), $"version {header.Version}");
                CheckWhatFollows(input, header);
                CheckShown(header);
                CheckWrittenAgain(header);
                break;
            case ProxyParseStatus.NeedMore:
                Property.Holds(input.Length < ProxyHeaderParser.MaxLength, "more bytes are waited for than there may be");
                break;
            default:
                Property.Holds(!string.IsNullOrEmpty(problem), "refused without a reason");
                break;
        }

        CheckCuts(input, status, status == ProxyParseStatus.Ok ? header.Length : input.Length);
    }

    /// <summary>
    /// Checks that each shorter prefix gives either "need more" or the whole input's result, and that the header ends where
    /// it says.
    /// </summary>
    private static void CheckCuts(byte[] input, ProxyParseStatus whole, int length)
    {
        var isDecided = false;
        for (var cut = 0; cut <= length; cut++)
        {
            if (cut == CutEverywhere && length > 2 * CutEverywhere)
            {
                cut = length - CutEverywhere;
            }

            var early = ProxyHeaderParser.Parse(input.AsSpan(0, cut), out _, out _);
            Property.Holds(early == whole || (early == ProxyParseStatus.NeedMore && !isDecided), $"{cut} bytes are {early}, all are {whole}");
            Property.Holds(early != ProxyParseStatus.Ok || cut == length, $"{cut} bytes are enough for a header of {length}");
            isDecided |= early != ProxyParseStatus.NeedMore;
        }
    }

    private static void CheckWhatFollows(byte[] input, in ProxyHeader header)
    {
        byte[] other = [.. input.AsSpan(0, header.Length), .. "\r\n\0PROXY TCP4 "u8];
        foreach (var length in (int[])[header.Length, other.Length])
        {
            var status = ProxyHeaderParser.Parse(other.AsSpan(0, length), out var again, out _);
            Property.Holds(status == ProxyParseStatus.Ok && AreSame(header, again), "a header means something else where something else follows");
        }
    }

    private static void CheckShown(in ProxyHeader header)
    {
        var shown = ProxyDescription.From(header.Version, header.Tlvs);
        string?[] texts = [shown.Authority, shown.Alpn, shown.UniqueId, shown.AwsVpcEndpointId, shown.Tls?.Version, shown.Tls?.Cipher, shown.Tls?.CommonName];
        foreach (var text in texts)
        {
            Property.IsLine(text ?? "", "what is shown");
            Property.Holds((text ?? "").Length <= MaxShown, "what is shown has no bound");
        }
    }

    private static void CheckWrittenAgain(in ProxyHeader header)
    {
        if (!header.HasAddresses)
        {
            return;
        }

        Property.Holds(header.Command == ProxyCommand.Proxy, "LOCAL with addresses");
        var (source, destination) = (header.Source.ToEndPoint(), header.Destination.ToEndPoint());
        ProxyWriterTarget.CheckWritten(source, destination);
    }

    private static bool AreSame(in ProxyHeader one, in ProxyHeader other) =>
        one.Version == other.Version && one.Length == other.Length && one.HasAddresses == other.HasAddresses && one.Command == other.Command
        && one.Source == other.Source && one.Destination == other.Destination && one.Tlvs.SequenceEqual(other.Tlvs);

    private static IEnumerable<byte[]> Seeds()
    {
        yield return Inputs.Bytes("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nHello");
        yield return Inputs.Bytes("PROXY TCP6 2001:db8::1 2001:db8::ffff:192.0.2.1 56324 443\r\n");
        yield return Inputs.Bytes("PROXY TCP6 2001:db8::1 127.0.0.1 51512 37477\r\n");
        yield return Inputs.Bytes("PROXY UNKNOWN\r\n");
        yield return Inputs.Bytes("PROXY UNKNOWN ffff:f::1 whatever 1 2\r\n");
        yield return Inputs.Bytes("GET / HTTP/1.1\r\n");
        yield return ProxyHeaderWriter.V2(IPEndPoint.Parse("192.0.2.1:56324"), IPEndPoint.Parse("198.51.100.2:443"));
        yield return ProxyHeaderWriter.Local.ToArray();
        yield return [.. ProxyHeaderParser.V2Signature, 0x21, 0x31, 0, 216, .. new byte[216]];
        // All known values, with the TLS value's own parts.
        byte[] tlvs =
        [
            0x01, 0, 2, .. "h2"u8, 0x02, 0, 9, .. "a.example"u8, 0x05, 0, 3, 1, 2, 3,
            0x20, 0, 25, 7, 0, 0, 0, 0, 0x21, 0, 7, .. "TLSv1.3"u8, 0x22, 0, 2, .. "me"u8, 0x23, 0, 2, .. "AE"u8,
            0xEA, 0, 5, 1, .. "vpce"u8, 0xEE, 0, 5, 1, 1, 0, 0, 0,
        ];
        yield return [.. ProxyHeaderParser.V2Signature, 0x21, 0x11, 0, (byte)(12 + tlvs.Length), 192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 4, 1, 0xBB, .. tlvs];
        yield return [.. ProxyHeaderParser.V2Signature, 0x21, 0x21, 0, 36, .. new byte[36], .. "payload"u8];
    }
}
