using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Kestrel.Epoll;

/// <summary>
/// Reads the kernel's <c>struct sockaddr_in</c> (ip(7)), <c>struct sockaddr_in6</c> (ipv6(7)) and
/// <c>struct sockaddr_un</c> (unix(7)).
/// </summary>
internal static class SocketAddressReader
{
    private const int PortOffset = 2;
    private const int IPv4Offset = 4;
    private const int IPv4Size = 8;
    private const int IPv6Offset = 8;
    private const int ScopeOffset = 24;
    private const int IPv6Size = 28;
    private const int PathOffset = 2;
    private const ushort Unix = 1;
    private const ushort IPv4 = 2;
    private const ushort IPv6 = 10;

    /// <summary>
    /// Reads an address, an IPv4-mapped one as IPv4; null for an unnamed Unix socket and for a name that can't be converted
    /// to text.
    /// </summary>
    public static EndPoint? Read(ReadOnlySpan<byte> address) => (address.Length >= PathOffset ? BitConverter.ToUInt16(address) : 0) switch
    {
        IPv4 when address.Length >= IPv4Size => new IPEndPoint(new IPAddress(address[IPv4Offset..IPv4Size]), Port(address)),
        IPv6 when address.Length >= IPv6Size => new IPEndPoint(ReadIPv6(address), Port(address)),
        Unix when address.Length > PathOffset => ReadUnix(address[PathOffset..]),
        _ => null,
    };

    private static int Port(ReadOnlySpan<byte> address) => BinaryPrimitives.ReadUInt16BigEndian(address[PortOffset..]);

    private static IPAddress ReadIPv6(ReadOnlySpan<byte> address)
    {
        const int mappedPrefix = 12;
        var bytes = address[IPv6Offset..ScopeOffset];
        var isMapped = bytes[..10].IndexOfAnyExcept((byte)0) < 0 && bytes[10] == 0xFF && bytes[11] == 0xFF;
        return isMapped ? new IPAddress(bytes[mappedPrefix..]) : new IPAddress(bytes, BitConverter.ToUInt32(address[ScopeOffset..]));
    }

    /// <summary>Reads a name: a path ends at its first zero byte; an abstract name starts with one.</summary>
    private static UnixDomainSocketEndPoint? ReadUnix(ReadOnlySpan<byte> path)
    {
        var length = path[0] == 0 ? path.Length : path.IndexOf((byte)0) is >= 0 and var zero ? zero : path.Length;
        try
        {
            return new UnixDomainSocketEndPoint(Encoding.UTF8.GetString(path[..length]));
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
