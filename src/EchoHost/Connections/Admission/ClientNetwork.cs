using System.Net;
using System.Net.Sockets;

namespace EchoHost.Connections.Admission;

/// <summary>The network that per-address limits count a client under.</summary>
internal static class ClientNetwork
{
    /// <summary>The network of clients without an address: they share one limit.</summary>
    private static readonly IPAddress Unknown = IPAddress.Any;

    /// <summary>
    /// The IPv4 address itself, also if it is mapped into IPv6; the first 64 bits of any other IPv6 address. A subscriber
    /// has at least a /64 (RFC 6177) and can use every address in it.
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
