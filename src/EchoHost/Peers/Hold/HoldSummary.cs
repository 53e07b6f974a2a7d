namespace EchoHost.Peers.Hold;

/// <summary>The results of a whole test.</summary>
/// <param name="Results">What is known of each connection.</param>
/// <param name="NotTried">The idle times for which no connection was made, in ascending order.</param>
/// <param name="IsInterrupted">Whether the user stopped the test.</param>
internal sealed record HoldSummary(IReadOnlyList<HoldResult> Results, IReadOnlyList<TimeSpan> NotTried, bool IsInterrupted)
{
    /// <summary>The idle timeout that was found; null if none was.</summary>
    public IdleTimeout? IdleTimeout { get; } = IdleTimeout.Of(Results);

    /// <summary>Whether a connection ended as soon as it was silent, which is no idle timeout.</summary>
    public bool EndsAtOnce { get; } = Results.Any(IdleTimeout.IsAtOnce);

    /// <summary>The longest silence that survived; null if none did.</summary>
    public TimeSpan? LongestSurvived { get; } =
        Results.Where(result => result.Outcome == HoldOutcome.Survived).Select(result => (TimeSpan?)result.Idle).Max();

    /// <summary>Whether the test found out anything about silence.</summary>
    public bool IsAnythingKnown { get; } = Results.Any(result => result.IsMeasured);

    /// <summary>Whether a connection could not be measured.</summary>
    public bool HasFailures { get; } = Results.Any(result => result.Outcome == HoldOutcome.Failed);
}
