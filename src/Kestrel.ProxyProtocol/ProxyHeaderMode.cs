namespace Kestrel.ProxyProtocol;

/// <summary>Whether a trusted proxy's connection must begin with a header.</summary>
public enum ProxyHeaderMode
{
    /// <summary>
    /// A trusted proxy must send one, and nothing else may connect. It is the mode for a port that only the proxy uses: it
    /// never has to guess.
    /// </summary>
    Required,

    /// <summary>
    /// A trusted proxy may send one; what else it sends is payload. All that others send is payload, a header too. Bytes
    /// that may still become a header are held back until they do or do not, at most for
    /// <see cref="ProxyProtocolOptions.HeaderTimeout"/>.
    /// </summary>
    Optional,
}
