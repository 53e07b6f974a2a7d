namespace EchoHost.Peers;

/// <summary>What came of a probe.</summary>
/// <param name="Result">Its class.</param>
/// <param name="Error">What went wrong, in words; null where nothing did.</param>
/// <param name="RoundTrip">From the message's first byte sent to its last byte back; null where it did not come back.</param>
/// <param name="IsTurnedAway">Whether the peer accepted and then ended the connection before a byte came back.</param>
internal readonly record struct Probe(ProbeResult Result, string? Error, TimeSpan? RoundTrip, bool IsTurnedAway)
{
    public static Probe Answered(TimeSpan roundTrip) => new(ProbeResult.Ok, null, roundTrip, false);

    public static Probe Failed(PeerException e) => new(e.Result, e.Message, null, e.IsTurnedAway);
}
