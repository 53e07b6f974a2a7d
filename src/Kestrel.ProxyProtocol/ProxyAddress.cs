using System.Buffers.Binary;
using System.Net;

namespace Kestrel.ProxyProtocol;

/// <summary>An IP address and port from a header, without an allocation.</summary>
/// <param name="Address">The address as a number: an IPv6 address's 128 bits, or an IPv4 address in the lowest 32.</param>
/// <param name="IsIPv6">Whether the address is IPv6.</param>
/// <param name="Port">0 to 65535.</param>
public readonly record struct ProxyAddress(UInt128 Address, bool IsIPv6, ushort Port)
{
    /// <summary>Converts it to an <see cref="IPEndPoint"/>.</summary>
    public IPEndPoint ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Address);
        return new IPEndPoint(new IPAddress(IsIPv6 ? bytes : bytes[12..]), Port);
    }
}
