using System.Net;
using Kestrel.ProxyProtocol;

namespace EchoHost.Peers;

/// <summary>The PROXY header at the beginning of a connection.</summary>
/// <param name="Version">1 or 2.</param>
/// <param name="Source">The client address in the header; null for the connection's own.</param>
internal sealed record ProxyPreamble(int Version, IPEndPoint? Source)
{
    /// <summary>The header for a connection between two end points.</summary>
    public byte[] For(IPEndPoint local, IPEndPoint remote) =>
        Version == 1 ? ProxyHeaderWriter.V1(Source ?? local, remote) : ProxyHeaderWriter.V2(Source ?? local, remote);
}
