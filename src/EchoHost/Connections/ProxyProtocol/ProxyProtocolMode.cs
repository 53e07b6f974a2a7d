namespace EchoHost.Connections.ProxyProtocol;

/// <summary>Whether an endpoint takes PROXY headers, from trusted proxies alone.</summary>
internal enum ProxyProtocolMode
{
    /// <summary>Never: such bytes are payload.</summary>
    Off,

    /// <summary>A trusted proxy may send one; all that others send is payload.</summary>
    Optional,

    /// <summary>A trusted proxy must send one; others are turned away.</summary>
    Required,
}
