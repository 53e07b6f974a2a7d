namespace Kestrel.ProxyProtocol;

/// <summary>Why a connection was rejected.</summary>
public enum ProxyRejectionReason
{
    /// <summary>It started with something else, or ended before its first byte.</summary>
    Missing,

    /// <summary>A header is required, and the connection does not come from a trusted proxy.</summary>
    Untrusted,

    /// <summary>Its header breaks the rules, or ends early.</summary>
    Malformed,

    /// <summary>Its header's checksum is wrong.</summary>
    ChecksumMismatch,

    /// <summary>Its header was not complete in time.</summary>
    Timeout,

    /// <summary>Its header was not complete when the server stopped (<see cref="ProxyProtocolOptions.Stopping"/>).</summary>
    Stopping,

    /// <summary>The server aborted it while waiting for its header.</summary>
    Aborted,
}
