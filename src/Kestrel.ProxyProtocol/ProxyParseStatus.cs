namespace Kestrel.ProxyProtocol;

/// <summary>The state of the first bytes of a connection.</summary>
public enum ProxyParseStatus
{
    /// <summary>They start with a complete, valid header.</summary>
    Ok,

    /// <summary>They may become a header with more bytes.</summary>
    NeedMore,

    /// <summary>They match neither version: no header was sent.</summary>
    Missing,

    /// <summary>They start like a header but break its rules.</summary>
    Malformed,

    /// <summary>They are a header with a wrong CRC32C (section 2.2.3).</summary>
    ChecksumMismatch,
}
