namespace EchoHost.Peers.Mesh;

/// <summary>A peer that a name of <c>Peers:Dns</c> resolved to.</summary>
/// <param name="Target">Its address.</param>
/// <param name="Name">The name.</param>
/// <param name="IsChosen">Whether this host probes it; with <c>Peers:Fanout</c> it leaves some to others.</param>
internal readonly record struct FoundPeer(PeerTarget Target, string Name, bool IsChosen);
