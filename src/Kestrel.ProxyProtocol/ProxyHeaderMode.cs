namespace Kestrel.ProxyProtocol;

/// <summary>Whether a trusted proxy's connection must start with a header.</summary>
public enum ProxyHeaderMode
{
    /// <summary>
    /// A trusted proxy must send a header, and all other clients are rejected. The mode for a port that only the proxy
    /// uses, since it never has to guess.
    /// </summary>
    Required,

    /// <summary>
    /// A trusted proxy may send a header; other bytes are payload. All bytes of other clients are payload, a header too.
    /// Bytes that may be the start of a header are held back until that is certain, at most for
    /// <see cref="ProxyProtocolOptions.HeaderTimeout"/>.
    /// </summary>
    Optional,
}
