namespace EchoHost.Peers;

/// <summary>The outcome of a probe.</summary>
/// <param name="Result">The class of the outcome.</param>
/// <param name="Error">What failed, in words; null after a success.</param>
/// <param name="RoundTrip">From the first byte sent to the last byte back; null after a failure.</param>
/// <param name="IsTurnedAway">Whether the peer accepted the connection and ended it before a byte came back.</param>
internal readonly record struct Probe(ProbeResult Result, string? Error, TimeSpan? RoundTrip, bool IsTurnedAway)
{
    /// <summary>How long each phase of connecting took; null if the connection could not be made.</summary>
    public PhaseTimes? Phases { get; init; }

    /// <summary>The number of segments that this machine retransmitted on the connection; 0 where the system has no TCP_INFO.</summary>
    public uint Retransmits { get; init; }

    public static Probe Answered(TimeSpan roundTrip) => new(ProbeResult.Ok, null, roundTrip, false);

    public static Probe Failed(PeerException e) => new(e.Result, e.Message, null, e.IsTurnedAway);
}
