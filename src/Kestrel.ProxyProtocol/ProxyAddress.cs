using System.Buffers.Binary;
using System.Net;

namespace Kestrel.ProxyProtocol;

/// <summary>An IP address and port as a header gives them, without an object for either.</summary>
/// <param name="Address">The address as a number: an IPv6 address's 128 bits, or an IPv4 address in the lowest 32.</param>
/// <param name="IsIPv6">Which of the two it is.</param>
/// <param name="Port">0 to 65535, both included.</param>
public readonly record struct ProxyAddress(UInt128 Address, bool IsIPv6, ushort Port)
{
    /// <summary>The same as .NET's own type.</summary>
    public IPEndPoint ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Address);
        return new IPEndPoint(new IPAddress(IsIPv6 ? bytes : bytes[12..]), Port);
    }
}
