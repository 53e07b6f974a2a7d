namespace Kestrel.ProxyProtocol;

/// <summary>Why a connection is turned away.</summary>
public enum ProxyRejectionReason
{
    /// <summary>It began with something else, or ended before it said anything.</summary>
    Missing,

    /// <summary>It does not come from a trusted proxy, where a header is required.</summary>
    Untrusted,

    /// <summary>Its header breaks the rules, or ended half-way.</summary>
    Malformed,

    /// <summary>Its header's checksum is wrong.</summary>
    ChecksumMismatch,

    /// <summary>Its header was not complete in time.</summary>
    Timeout,

    /// <summary>Its header was not complete when the server stopped (<see cref="ProxyProtocolOptions.Stopping"/>).</summary>
    Stopping,

    /// <summary>The server aborted it while its header was waited for.</summary>
    Aborted,
}
