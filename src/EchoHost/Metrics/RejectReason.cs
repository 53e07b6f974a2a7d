namespace EchoHost.Metrics;

/// <summary>Why a connection was rejected; the label <c>reason</c> of <c>echohost.connections.rejected</c>.</summary>
internal enum RejectReason
{
    Limit,
    AddressLimit,
    Draining,
    Proxy,
    Tls,
}

internal static class RejectReasonExtensions
{
    /// <summary>The reason as metrics spell it.</summary>
    public static string Label(this RejectReason reason) => reason switch
    {
        RejectReason.Limit => "limit",
        RejectReason.AddressLimit => "address_limit",
        RejectReason.Draining => "draining",
        RejectReason.Proxy => "proxy",
        RejectReason.Tls => "tls",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "no such reason"),
    };
}
