using System.Net;
using Kestrel.ProxyProtocol;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>What a PROXY header says about a connection.</summary>
/// <param name="Via">
/// The proxy's own end point, if the header gives the client's; null for a connection of the proxy itself.
/// </param>
/// <param name="Description">The header's other values.</param>
internal sealed record ProxiedConnection(EndPoint? Via, ProxyDescription Description)
{
    public static ProxiedConnection From(IProxyProtocolFeature header) =>
        new(header.Source is null ? null : header.ProxyEndPoint, ProxyDescription.From(header.Version, header.Tlvs.Span));
}
