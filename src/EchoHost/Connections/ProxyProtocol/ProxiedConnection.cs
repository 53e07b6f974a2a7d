using System.Net;
using Kestrel.ProxyProtocol;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>What a PROXY header said of a connection, as it is shown.</summary>
/// <param name="Via">The proxy's own end point, where the header gave the client's; null where the proxy spoke for itself.</param>
/// <param name="Description">What the header held.</param>
internal sealed record ProxiedConnection(EndPoint? Via, ProxyDescription Description)
{
    public static ProxiedConnection From(IProxyProtocolFeature header) =>
        new(header.Source is null ? null : header.ProxyEndPoint, ProxyDescription.From(header.Version, header.Tlvs.Span));
}
