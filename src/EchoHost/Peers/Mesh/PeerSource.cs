namespace EchoHost.Peers.Mesh;

/// <summary>The setting that a peer comes from.</summary>
internal enum PeerSource
{
    /// <summary><c>Peers:Targets</c>.</summary>
    Targets,

    /// <summary><c>Peers:Dns</c>.</summary>
    Dns,
}
