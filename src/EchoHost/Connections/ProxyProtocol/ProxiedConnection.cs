using System.Net;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>A connection's feature once a PROXY header was read: who really sent the bytes, and what it said.</summary>
/// <param name="Via">The proxy's own end point, where the header gave the client's; null where the proxy spoke for itself.</param>
/// <param name="Description">What the header held.</param>
internal sealed record ProxiedConnection(EndPoint? Via, ProxyDescription Description);
