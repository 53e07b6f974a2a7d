using System.Net;
using System.Net.Sockets;

namespace EchoHost.Connections.Admission;

/// <summary>A client's address as limits count it.</summary>
internal static class ClientNetwork
{
    /// <summary>Stands for all clients whose address is unknown: they share one limit rather than have none.</summary>
    private static readonly IPAddress Unknown = IPAddress.Any;

    /// <summary>
    /// IPv4, also mapped into IPv6, as it is; of IPv6 the first 64 bits, which is what one subscriber has at the least
    /// (RFC 6177), and can take any address from.
    /// </summary>
    public static IPAddress Of(IPAddress? address)
    {
        if (address is null)
        {
            return Unknown;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}
