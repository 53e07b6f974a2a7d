namespace EchoHost.Metrics;

/// <summary>The result of waiting for a PROXY header; the label <c>result</c> of <c>echohost.proxy.headers</c>.</summary>
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
    /// <summary>The result as metrics spell it.</summary>
    public static string Label(this ProxyResult result) => result switch
    {
        ProxyResult.Ok => "ok",
        ProxyResult.Local => "local",
        ProxyResult.Missing => "missing",
        ProxyResult.Untrusted => "untrusted",
        ProxyResult.Malformed => "malformed",
        ProxyResult.Timeout => "timeout",
        ProxyResult.Checksum => "checksum",
        _ => throw new ArgumentOutOfRangeException(nameof(result), result, "no such result"),
    };
}
