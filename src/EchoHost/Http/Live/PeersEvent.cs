using EchoHost.Peers.Mesh;

namespace EchoHost.Http.Live;

/// <summary>The event <c>peers</c>: all peers, or those that changed.</summary>
/// <param name="All">Whether every peer is there; else only those with a new probe.</param>
/// <param name="IntervalSeconds">How often each is probed.</param>
/// <param name="ColumnProbes">The number of successive probes in a column of a strip.</param>
/// <param name="Peers">The peers with their strips, or the columns that changed.</param>
/// <param name="Gone">The names of peers that left.</param>
internal sealed record PeersEvent(bool All, double IntervalSeconds, int ColumnProbes, IReadOnlyList<PeerDescription> Peers, IReadOnlyList<string> Gone);
