namespace Kestrel.ProxyProtocol;

/// <summary>What the bytes that a connection began with are so far.</summary>
public enum ProxyParseStatus
{
    /// <summary>They begin with a whole, valid header.</summary>
    Ok,

    /// <summary>More bytes may make them a header.</summary>
    NeedMore,

    /// <summary>They begin neither version: no header was sent.</summary>
    Missing,

    /// <summary>They begin as a header and break its rules.</summary>
    Malformed,

    /// <summary>They are a header whose CRC32C is not that of its bytes (section 2.2.3).</summary>
    ChecksumMismatch,
}
