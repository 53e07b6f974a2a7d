using System.Net;

namespace EchoHost.Peers.Hold;

/// <summary>What is known of one silent connection.</summary>
/// <param name="Idle">How long it was to stay silent.</param>
/// <param name="Outcome">Whether it survived, or how it ended.</param>
/// <param name="After">
/// When it ended, from the last byte that came back. For a connection that survived, was dropped or is still silent: how long it was
/// silent. Null for a connection that failed before its silence.
/// </param>
internal sealed record HoldResult(TimeSpan Idle, HoldOutcome Outcome, TimeSpan? After)
{
    /// <summary>Whether it ended during the silence, so that <see cref="After"/> is exact; otherwise the next message showed it.</summary>
    public bool EndedInSilence { get; init; }

    /// <summary>How it ended, in words; null if it did not.</summary>
    public PeerException? Failure { get; init; }

    /// <summary>
    /// How long the message before the silence took; null if it did not come back. Others on the path saw the silence begin up to this
    /// much earlier.
    /// </summary>
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>The end point that accepted the connection; null if none did.</summary>
    public EndPoint? Address { get; init; }

    /// <summary>Whether the connection was measured: it survived its silence, or ended because of it.</summary>
    public bool IsMeasured => Outcome == HoldOutcome.Survived || HasEnded;

    /// <summary>Whether the silence ended the connection.</summary>
    public bool HasEnded => Outcome is HoldOutcome.Closed or HoldOutcome.Reset or HoldOutcome.Dropped;

    /// <summary>The label in JSON.</summary>
    public string Label => Outcome == HoldOutcome.Failed ? Failure!.Result.Label() : Outcome.Label();

    /// <summary>A connection that ended, or where something else than its end came, during the silence.</summary>
    public static HoldResult InSilence(TimeSpan idle, PeerException failure, TimeSpan after) => failure.Result switch
    {
        ProbeResult.Closed => new(idle, HoldOutcome.Closed, after) { Failure = failure, EndedInSilence = true },
        ProbeResult.Reset => new(idle, HoldOutcome.Reset, after) { Failure = failure, EndedInSilence = true },
        _ => new(idle, HoldOutcome.Failed, after) { Failure = failure },
    };

    /// <summary>A connection whose message after the silence did not come back.</summary>
    /// <param name="idle">How long it was to stay silent.</param>
    /// <param name="failure">Why the message did not come back.</param>
    /// <param name="silence">How long it was silent before the message.</param>
    /// <param name="after">When the message failed, from the last byte that came back.</param>
    public static HoldResult AtMessage(TimeSpan idle, PeerException failure, TimeSpan silence, TimeSpan after) => failure.Result switch
    {
        ProbeResult.Closed => new(idle, HoldOutcome.Closed, after) { Failure = failure },
        ProbeResult.Reset => new(idle, HoldOutcome.Reset, after) { Failure = failure },
        ProbeResult.Timeout => new(idle, HoldOutcome.Dropped, silence) { Failure = failure },
        _ => new(idle, HoldOutcome.Failed, after) { Failure = failure },
    };

    /// <summary>A connection that failed before its silence.</summary>
    public static HoldResult Failed(TimeSpan idle, PeerException failure) => new(idle, HoldOutcome.Failed, null) { Failure = failure };
}
