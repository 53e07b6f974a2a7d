using System.Net;
using Kestrel.ProxyProtocol;

namespace EchoHost.Fuzz.Targets;

/// <summary>A PROXY header that the host writes is read back as the same header.</summary>
internal static class ProxyWriterTarget
{
    public static FuzzTarget Target { get; } = new(
        "proxy-writer", "a PROXY header that is written is read back the same", Check, typeof(ProxyHeaderWriter), Seeds);

    /// <exception cref="PropertyException">A header of version 1 or 2 is read back differently.</exception>
    public static void CheckWritten(IPEndPoint source, IPEndPoint destination)
    {
        CheckWritten(ProxyHeaderWriter.V1(source, destination), 1, source, destination);
        CheckWritten(ProxyHeaderWriter.V2(source, destination), 2, source, destination);
    }

    private static void CheckWritten(byte[] written, int version, IPEndPoint source, IPEndPoint destination)
    {
        var status = ProxyHeaderParser.Parse(written, out var header, out var problem);
        var isWhole = status == ProxyParseStatus.Ok && header.Version == version && header.Length == written.Length && header.HasAddresses;
        Property.Holds(isWhole, $"what is written is {status}: {problem}");
        Property.Holds(AreSame(header.Source, source), $"{source} became {header.Source}");
        Property.Holds(AreSame(header.Destination, destination), $"{destination} became {header.Destination}");
        Property.Holds(header.Source.IsIPv6 == header.Destination.IsIPv6, "two families in one header");
    }

    /// <summary>IPv4 may be written as IPv6; the zone of a link-local address is not written.</summary>
    private static bool AreSame(ProxyAddress read, IPEndPoint written) =>
        read.Port == written.Port && Bytes(read.ToEndPoint()).SequenceEqual(Bytes(written));

    private static byte[] Bytes(IPEndPoint endPoint) => endPoint.Address.MapToIPv6().GetAddressBytes();

    private static void Check(byte[] input)
    {
        ReadOnlySpan<byte> rest = input;
        var source = Inputs.TakeEndPoint(ref rest);
        CheckWritten(source, Inputs.TakeEndPoint(ref rest));
    }

    private static IEnumerable<byte[]> Seeds()
    {
        byte[] ipv4 = [0, 0x01, 0xBB, 192, 0, 2, 1, .. new byte[12]];
        byte[] ipv6 = [1, 0xDC, 4, 0x20, 1, 0x0D, 0xB8, .. new byte[11], 1];
        byte[] mapped = [1, 0, 1, .. new byte[10], 255, 255, 192, 0, 2, 1];
        yield return [.. ipv4, .. ipv4];
        yield return [.. ipv6, .. ipv6];
        yield return [.. ipv4, .. ipv6];
        yield return [.. mapped, .. ipv6];
    }
}
