namespace EchoHost.Peers;

/// <summary>What came of a message to a peer; for a failure, its class.</summary>
internal enum ProbeResult
{
    /// <summary>Every byte came back the same.</summary>
    Ok,

    /// <summary>The peer's name could not be resolved.</summary>
    Dns,

    /// <summary>Nobody accepts there: the connection was refused, or the network knows no way.</summary>
    Refused,

    /// <summary>What was waited for did not come in time.</summary>
    Timeout,

    /// <summary>TLS could not be agreed on, or the certificate is not the peer's.</summary>
    Tls,

    /// <summary>Something else came back.</summary>
    Mismatch,

    /// <summary>The peer ended or reset the connection before everything had come back.</summary>
    Closed,

    /// <summary>This machine could not even try: it is out of descriptors or ports, or forbids it. Says nothing of the peer.</summary>
    Local,
}

internal static class ProbeResults
{
    /// <summary>How metrics, logs and JSON spell it.</summary>
    public static string Label(this ProbeResult result) => result switch
    {
        ProbeResult.Ok => "ok",
        ProbeResult.Dns => "dns",
        ProbeResult.Refused => "refused",
        ProbeResult.Timeout => "timeout",
        ProbeResult.Tls => "tls",
        ProbeResult.Mismatch => "mismatch",
        ProbeResult.Closed => "closed",
        _ => "local",
    };
}
