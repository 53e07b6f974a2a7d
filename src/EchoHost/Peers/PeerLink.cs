using System.Net;
using System.Net.Sockets;

namespace EchoHost.Peers;

/// <summary>How to make connections to peers.</summary>
/// <param name="Proxy">The PROXY header that connections begin with; null for none.</param>
/// <param name="Tls">How to verify a peer that speaks TLS; null for the system's trust.</param>
/// <param name="Family">IPv4 or IPv6 only, for names that have addresses of both.</param>
/// <param name="Source">The address to connect from; null for the system's choice.</param>
internal sealed record PeerLink(ProxyPreamble? Proxy = null, PeerTls? Tls = null, AddressFamily Family = AddressFamily.Unspecified, IPAddress? Source = null)
{
    /// <summary>No PROXY header, and the system's trust.</summary>
    public static PeerLink Default { get; } = new();
}
