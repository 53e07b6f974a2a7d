namespace EchoHost.Peers.Mesh;

/// <summary>A peer's state has changed, or the reason why it is down.</summary>
/// <param name="Before">What it was.</param>
/// <param name="Now">What it is.</param>
/// <param name="Lasted">How long the state before lasted, where it was not <see cref="PeerState.Unknown"/>; being away is one state.</param>
internal readonly record struct PeerChange(PeerState Before, PeerState Now, TimeSpan Lasted);
