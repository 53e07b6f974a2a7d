namespace EchoHost.Peers.Hold;

/// <summary>After how long of silence a path ends a connection, as far as the results tell.</summary>
/// <param name="MoreThan">The longest silence that survived below <see cref="AtMost"/>; zero if none did.</param>
/// <param name="AtMost">When the first connection ended; if only a message showed that, how long it had been silent.</param>
/// <param name="EndedBy">How that connection ended.</param>
/// <param name="IsExact">Whether the connection ended during its silence, so that <see cref="AtMost"/> is the idle timeout itself.</param>
internal sealed record IdleTimeout(TimeSpan MoreThan, TimeSpan AtMost, HoldOutcome EndedBy, bool IsExact)
{
    /// <summary>
    /// Timers on a path are coarse, and connections begin their silence one after another: a silence may survive that is this much
    /// longer than one that did not.
    /// </summary>
    private static readonly TimeSpan Coarseness = TimeSpan.FromMilliseconds(100);

    /// <summary>No idle timeout is shorter. Longer than a machine that is not very busy takes to see an end.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(50);

    /// <summary>The silences that survived although they were longer than <see cref="AtMost"/>, in ascending order.</summary>
    public IReadOnlyList<TimeSpan> Contradictions { get; private init; } = [];

    /// <summary>The idle timeout that results show; null if every silence survived that was measured.</summary>
    public static IdleTimeout? Of(IReadOnlyCollection<HoldResult> results)
    {
        var first = results
            .Where(result => result.HasEnded && !IsAtOnce(result))
            .OrderBy(EndOf)
            .ThenByDescending(result => result.EndedInSilence)
            .FirstOrDefault();
        if (first is null)
        {
            return null;
        }

        var atMost = EndOf(first);
        var survived = results.Where(result => result.Outcome == HoldOutcome.Survived).Select(result => result.Idle).Order().ToArray();
        return new IdleTimeout(survived.LastOrDefault(idle => idle < atMost), atMost, first.Outcome, first.EndedInSilence)
        {
            Contradictions = [.. survived.Where(idle => idle > atMost + Coarseness)],
        };
    }

    /// <summary>Whether a connection ended right after its message: the peer ends every connection so, however silent it is.</summary>
    public static bool IsAtOnce(HoldResult result) => result is { EndedInSilence: true, HasEnded: true, After: { } after } && after < AtOnce;

    private static TimeSpan EndOf(HoldResult ended) => ended.EndedInSilence ? ended.After!.Value : ended.Idle;
}
