using System.Net;
using Kestrel.ProxyProtocol;

namespace EchoHost.Peers;

/// <summary>The PROXY header that a connection begins with.</summary>
/// <param name="Version">1 or 2.</param>
/// <param name="Source">The client's address to give; null for the connection's own.</param>
internal sealed record ProxyPreamble(int Version, IPEndPoint? Source)
{
    /// <summary>The header for a connection between these two.</summary>
    public byte[] For(IPEndPoint local, IPEndPoint remote) =>
        Version == 1 ? ProxyHeaderWriter.V1(Source ?? local, remote) : ProxyHeaderWriter.V2(Source ?? local, remote);
}
