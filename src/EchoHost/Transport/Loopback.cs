using System.Net;
using System.Net.Sockets;

namespace EchoHost.Transport;

/// <summary>
/// The loopback addresses of this machine: a kernel may lack a family, and containers often have IPv6 but no ::1.
/// </summary>
internal static class Loopback
{
    /// <summary>Whether there is 127.0.0.1.</summary>
    public static bool HasIPv4 { get; } = Has(IPAddress.Loopback);

    /// <summary>Whether there is ::1.</summary>
    public static bool HasIPv6 { get; } = Has(IPAddress.IPv6Loopback);

    private static bool Has(IPAddress address)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
