namespace EchoHost.Peers.Hold;

/// <summary>What became known of a silent connection.</summary>
internal enum HoldOutcome
{
    /// <summary>A message after the silence came back.</summary>
    Survived,

    /// <summary>It was closed (FIN).</summary>
    Closed,

    /// <summary>It was reset (RST).</summary>
    Reset,

    /// <summary>A message after the silence was not answered in time, not even with a reset.</summary>
    Dropped,

    /// <summary>The test was stopped during the silence. The connection may be open, or dropped without a sign.</summary>
    StillSilent,

    /// <summary>It failed in another way, mostly before the silence; see <see cref="HoldResult.Failure"/>.</summary>
    Failed,
}
