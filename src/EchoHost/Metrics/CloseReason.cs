namespace EchoHost.Metrics;

/// <summary>Why a connection ended; the label <c>reason</c> of <c>echohost.connection.duration</c>.</summary>
internal enum CloseReason
{
    ClientClosed,
    Reset,
    IdleTimeout,
    WriteTimeout,
    Drained,
    DrainTimeout,
    Admin,
    Fault,
    Error,
}

internal static class CloseReasonExtensions
{
    /// <summary>The reason as metrics and logs spell it.</summary>
    public static string Label(this CloseReason reason) => reason switch
    {
        CloseReason.ClientClosed => "peer_closed",
        CloseReason.Reset => "reset",
        CloseReason.IdleTimeout => "idle_timeout",
        CloseReason.WriteTimeout => "write_timeout",
        CloseReason.Drained => "drained",
        CloseReason.DrainTimeout => "drain_timeout",
        CloseReason.Admin => "admin",
        CloseReason.Fault => "fault",
        CloseReason.Error => "error",
        _ => throw Unknown(reason),
    };

    /// <summary>The reason in words if the host ended the connection; null if the client did.</summary>
    public static string? Text(this CloseReason reason) => reason switch
    {
        CloseReason.ClientClosed or CloseReason.Reset => null,
        CloseReason.IdleTimeout => "idle timeout",
        CloseReason.WriteTimeout => "write timeout",
        CloseReason.Drained => "drain",
        CloseReason.DrainTimeout => "drain timeout",
        CloseReason.Admin => "administrator",
        CloseReason.Fault => "fault",
        CloseReason.Error => "error",
        _ => throw Unknown(reason),
    };

    private static ArgumentOutOfRangeException Unknown(CloseReason reason) => new(nameof(reason), reason, "no such reason");
}
