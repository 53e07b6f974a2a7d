namespace EchoHost.Peers.Hold;

/// <summary>The options of a test of idle connections.</summary>
/// <param name="Target">The peer.</param>
/// <param name="IdleTimes">How long each connection stays silent, in ascending order.</param>
/// <param name="IsParallel">
/// Whether all connections are open at once. Otherwise they follow each other, the shortest silence first, until one of them
/// does not survive it.
/// </param>
/// <param name="Timeout">The time limit for connecting, and for each message.</param>
internal sealed record HoldOptions(PeerTarget Target, IReadOnlyList<TimeSpan> IdleTimes, bool IsParallel, TimeSpan Timeout);
