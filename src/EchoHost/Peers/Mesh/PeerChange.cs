namespace EchoHost.Peers.Mesh;

/// <summary>A change of a peer's state, or of the reason why the peer is down.</summary>
/// <param name="Before">The state before.</param>
/// <param name="Now">The state now.</param>
/// <param name="Lasted">
/// How long the state before lasted, from the first failure of an outage; of no meaning after <see cref="PeerState.Unknown"/>.
/// </param>
internal readonly record struct PeerChange(PeerState Before, PeerState Now, TimeSpan Lasted);
