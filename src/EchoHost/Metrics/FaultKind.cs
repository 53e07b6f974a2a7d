namespace EchoHost.Metrics;

/// <summary>What an endpoint does wrong on purpose; the label <c>fault</c> of <c>echohost.faults</c>.</summary>
internal enum FaultKind
{
    Delay,
    Jitter,
    BytesPerSecond,
    SliceBytes,
    CloseAfterBytes,
    CloseAfter,
    ResetAfterBytes,
    ResetAfter,
    Silent,
    Stalled,
    CorruptEvery,
}

internal static class FaultKindExtensions
{
    /// <summary>The fault as metrics and <c>/connections</c> spell it: the name of its configuration key in JSON.</summary>
    public static string Label(this FaultKind kind) => kind switch
    {
        FaultKind.Delay => "delay",
        FaultKind.Jitter => "jitter",
        FaultKind.BytesPerSecond => "bytesPerSecond",
        FaultKind.SliceBytes => "sliceBytes",
        FaultKind.CloseAfterBytes => "closeAfterBytes",
        FaultKind.CloseAfter => "closeAfter",
        FaultKind.ResetAfterBytes => "resetAfterBytes",
        FaultKind.ResetAfter => "resetAfter",
        FaultKind.Silent => "silent",
        FaultKind.Stalled => "stalled",
        FaultKind.CorruptEvery => "corruptEvery",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such fault"),
    };
}
