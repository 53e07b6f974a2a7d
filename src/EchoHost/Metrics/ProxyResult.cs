using Kestrel.ProxyProtocol;

namespace EchoHost.Metrics;

/// <summary>What came of the wait for a header; the label <c>result</c> of <c>echohost.proxy.headers</c>.</summary>
internal enum ProxyResult
{
    Ok,
    Local,
    Missing,
    Untrusted,
    Malformed,
    Timeout,
    Checksum,
}

internal static class ProxyResults
{
    /// <summary>The result of a connection that was turned away for its header, or for want of one.</summary>
    public static ProxyResult Of(ProxyRejectionReason reason) => reason switch
    {
        ProxyRejectionReason.Missing => ProxyResult.Missing,
        ProxyRejectionReason.Untrusted => ProxyResult.Untrusted,
        ProxyRejectionReason.Malformed => ProxyResult.Malformed,
        ProxyRejectionReason.Timeout => ProxyResult.Timeout,
        ProxyRejectionReason.ChecksumMismatch => ProxyResult.Checksum,
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "not a header's result"),
    };

    /// <summary>The result as metrics spell it.</summary>
    public static string Label(this ProxyResult result) => result switch
    {
        ProxyResult.Ok => "ok",
        ProxyResult.Local => "local",
        ProxyResult.Missing => "missing",
        ProxyResult.Untrusted => "untrusted",
        ProxyResult.Malformed => "malformed",
        ProxyResult.Timeout => "timeout",
        _ => "checksum",
    };
}
