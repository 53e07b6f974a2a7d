using System.Net;
using System.Net.Sockets;

namespace EchoHost.Peers;

/// <summary>How connections to peers are made.</summary>
/// <param name="Proxy">The PROXY header they begin with; null for none.</param>
/// <param name="Tls">How a peer that speaks TLS is believed; null for the system's own way.</param>
/// <param name="Family">IPv4 or IPv6 alone, where a name may have addresses of both.</param>
/// <param name="Source">The address to connect from; null for the one that the system chooses.</param>
internal sealed record PeerLink(ProxyPreamble? Proxy = null, PeerTls? Tls = null, AddressFamily Family = AddressFamily.Unspecified, IPAddress? Source = null)
{
    /// <summary>Without a PROXY header, and with the system's trust.</summary>
    public static PeerLink Default { get; } = new();
}
