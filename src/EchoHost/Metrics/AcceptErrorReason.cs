namespace EchoHost.Metrics;

/// <summary>Why accepting failed; the label <c>reason</c> of <c>echohost.accept.errors</c>.</summary>
internal enum AcceptErrorReason
{
    /// <summary>The process or the system has no descriptor left (EMFILE, ENFILE).</summary>
    DescriptorLimit,

    /// <summary>Any other error, such as a client that left before it was accepted (ECONNABORTED).</summary>
    Other,
}

internal static class AcceptErrorReasonExtensions
{
    /// <summary>The reason as metrics spell it.</summary>
    public static string Label(this AcceptErrorReason reason) => reason switch
    {
        AcceptErrorReason.DescriptorLimit => "fd_limit",
        AcceptErrorReason.Other => "other",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "no such reason"),
    };
}
