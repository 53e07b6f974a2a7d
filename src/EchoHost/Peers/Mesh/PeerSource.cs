namespace EchoHost.Peers.Mesh;

/// <summary>Where a peer is known from.</summary>
internal enum PeerSource
{
    /// <summary><c>Peers:Targets</c>.</summary>
    Targets,

    /// <summary><c>Peers:Dns</c>.</summary>
    Dns,
}
