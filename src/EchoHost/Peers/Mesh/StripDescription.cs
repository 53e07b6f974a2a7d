namespace EchoHost.Peers.Mesh;

/// <summary>Columns of a peer's strip.</summary>
/// <param name="First">The number of the first column; the numbers of columns only grow.</param>
/// <param name="Columns">
/// The columns, oldest first: median, minimum and maximum of the round trips in milliseconds (null if every probe was lost), the
/// number of lost probes, and the number of probes.
/// </param>
internal sealed record StripDescription(long First, IReadOnlyList<double?[]> Columns);
