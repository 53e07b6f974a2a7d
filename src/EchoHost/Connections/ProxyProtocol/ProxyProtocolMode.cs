namespace EchoHost.Connections.ProxyProtocol;

/// <summary>Whether an endpoint reads PROXY headers. Only trusted proxies may send one.</summary>
internal enum ProxyProtocolMode
{
    /// <summary>Never: a header is payload.</summary>
    Off,

    /// <summary>A trusted proxy may send one; a header from any other client is payload.</summary>
    Optional,

    /// <summary>A trusted proxy must send one; other clients are rejected.</summary>
    Required,
}
