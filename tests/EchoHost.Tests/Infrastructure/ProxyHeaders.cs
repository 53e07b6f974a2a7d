using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace EchoHost.Tests.Infrastructure;

/// <summary>Builds valid and invalid PROXY headers, byte by byte from the specification.</summary>
internal static class ProxyHeaders
{
    public const byte Local = 0x20;
    public const byte Proxy = 0x21;

    public static readonly byte[] Signature = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    public static byte[] V1(string line) => Encoding.ASCII.GetBytes(line);

    public static byte[] V2(byte versionAndCommand, byte familyAndTransport, params byte[][] blocks)
    {
        var payload = blocks.SelectMany(b => b).ToArray();
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)payload.Length);
        return [.. Signature, versionAndCommand, familyAndTransport, .. length, .. payload];
    }

    /// <summary>A version 2 header for a TCP connection, over IPv4 or IPv6 according to the addresses.</summary>
    public static byte[] V2(string source, string destination, params byte[][] tlvs)
    {
        var (from, to) = (IPEndPoint.Parse(source), IPEndPoint.Parse(destination));
        return V2(Proxy, from.Address.GetAddressBytes().Length == 4 ? (byte)0x11 : (byte)0x21, [Addresses(from, to), .. tlvs]);
    }

    public static byte[] Addresses(IPEndPoint source, IPEndPoint destination) =>
        [.. source.Address.GetAddressBytes(), .. destination.Address.GetAddressBytes(), .. Port(source), .. Port(destination)];

    public static byte[] Tlv(byte type, params byte[] value) => [type, (byte)(value.Length >> 8), (byte)value.Length, .. value];

    /// <summary>Fills in the CRC32C, whose four bytes are zero before.</summary>
    /// <param name="header">The header.</param>
    /// <param name="after">How many bytes come after the checksum.</param>
    public static byte[] WithChecksum(byte[] header, int after = 0)
    {
        var whole = (byte[])header.Clone();
        BinaryPrimitives.WriteUInt32BigEndian(whole.AsSpan(whole.Length - after - 4), Reference(whole));
        return whole;
    }

    /// <summary>CRC32C computed bit by bit (RFC 3720, appendix B.4), as a reference for the parser.</summary>
    public static uint Reference(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0x82F63B78;
            }
        }

        return ~crc;
    }

    public static byte[] Crc() => Tlv(0x03, 0, 0, 0, 0);

    private static byte[] Port(IPEndPoint endPoint) => [(byte)(endPoint.Port >> 8), (byte)endPoint.Port];
}
