namespace EchoHost.Peers.Fleet;

/// <summary>A host in the answer of <c>/fleet</c>.</summary>
/// <param name="Instance">The name that the host gives itself; null if it never answered, or is an older version.</param>
/// <param name="Labels">The host's labels.</param>
/// <param name="Name">The name by which other hosts probe it; null if that is not known.</param>
/// <param name="Self">Whether it is the host that answers.</param>
/// <param name="AgeSeconds">How old its view is; null if there is none.</param>
/// <param name="Error">Why there is no newer view; null if there is one.</param>
/// <param name="Peers">Its view of the peers that it probes.</param>
internal sealed record FleetHost(
    string? Instance,
    IReadOnlyDictionary<string, string> Labels,
    string? Name,
    bool Self,
    double? AgeSeconds,
    string? Error,
    IReadOnlyList<FleetPeer> Peers);
