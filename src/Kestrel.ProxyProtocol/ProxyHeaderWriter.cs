using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Kestrel.ProxyProtocol;

/// <summary>
/// Writes headers, for a client or health check that connects directly to a server behind a proxy (HAProxy's proxy-protocol.txt;
/// section numbers refer to it).
/// </summary>
/// <remarks>
/// A header holds addresses of one family. If the families differ, the IPv4 address is written as IPv6, <c>::ffff:192.0.2.1</c>
/// (RFC 4291, section 2.5.5.2); if both are IPv4, mapped addresses are written as IPv4. Scopes of link-local addresses are
/// left out.
/// </remarks>
public static class ProxyHeaderWriter
{
    private const byte LocalCommand = 0x20;
    private const byte RelayCommand = 0x21;
    private const byte Unspecified = 0x00;
    private const byte TcpOverIPv4 = 0x11;
    private const byte TcpOverIPv6 = 0x21;

    /// <summary>A version 2 LOCAL header: the connection is the sender's own, as for a health check (section 2.2).</summary>
    public static ReadOnlyMemory<byte> Local { get; } = V2(LocalCommand, Unspecified, []);

    /// <summary>A version 1 header: a line of text (section 2.1).</summary>
    /// <param name="source">The client's address and port.</param>
    /// <param name="destination">The address and port that the client connected to.</param>
    public static byte[] V1(IPEndPoint source, IPEndPoint destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        var (from, to) = SameFamily(source, destination);
        var family = from.AddressFamily == AddressFamily.InterNetwork ? "TCP4" : "TCP6";
        return Encoding.ASCII.GetBytes($"PROXY {family} {from} {to} {source.Port} {destination.Port}\r\n");
    }

    /// <summary>A version 2 header: binary, for a stream, without type-length-values (section 2.2).</summary>
    /// <param name="source">The client's address and port.</param>
    /// <param name="destination">The address and port that the client connected to.</param>
    public static byte[] V2(IPEndPoint source, IPEndPoint destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        var (from, to) = SameFamily(source, destination);
        Span<byte> ports = stackalloc byte[2 * sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(ports, (ushort)source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(ports[sizeof(ushort)..], (ushort)destination.Port);
        var family = from.AddressFamily == AddressFamily.InterNetwork ? TcpOverIPv4 : TcpOverIPv6;
        return V2(RelayCommand, family, [.. from.GetAddressBytes(), .. to.GetAddressBytes(), .. ports]);
    }

    private static byte[] V2(byte command, byte family, ReadOnlySpan<byte> addresses) =>
        [.. ProxyHeaderParser.V2Signature, command, family, (byte)(addresses.Length >> 8), (byte)addresses.Length, .. addresses];

    /// <summary>Converts both addresses to one family: if they differ, IPv4 becomes IPv6 (RFC 4291, section 2.5.5.2).</summary>
    private static (IPAddress Source, IPAddress Destination) SameFamily(IPEndPoint source, IPEndPoint destination)
    {
        var (from, to) = (Plain(source.Address), Plain(destination.Address));
        return from.AddressFamily == to.AddressFamily ? (from, to) : (from.MapToIPv6(), to.MapToIPv6());
    }

    /// <summary>The address without the scope of a link-local address, which has a meaning on one machine only.</summary>
    private static IPAddress Plain(IPAddress address) =>
        new(address.IsIPv4MappedToIPv6 ? address.MapToIPv4().GetAddressBytes() : address.GetAddressBytes());
}
