namespace EchoHost.Peers.Mesh;

/// <summary>One peer as <c>/peers</c> shows it.</summary>
/// <param name="Name">As in <c>10.0.0.2:5555</c>.</param>
/// <param name="Source"><c>Targets</c> or <c>Dns</c>.</param>
/// <param name="Tls">Whether it is probed over TLS.</param>
/// <param name="Up">Whether its last probe came back byte for byte.</param>
/// <param name="State"><c>unknown</c>, <c>up</c>, <c>turnsAway</c> or <c>down</c>.</param>
/// <param name="LastResult">What came of the last probe.</param>
/// <param name="LastError">What went wrong with it, in words.</param>
/// <param name="LastProbe">When it ended, UTC.</param>
/// <param name="Probes">How many there were.</param>
/// <param name="Lost">How many did not come back.</param>
/// <param name="LossPercent">The same in percent.</param>
/// <param name="RttMilliseconds">The last round trips.</param>
internal sealed record PeerDescription(
    string Name,
    string Source,
    bool Tls,
    bool Up,
    string State,
    string? LastResult,
    string? LastError,
    DateTime? LastProbe,
    long Probes,
    long Lost,
    double LossPercent,
    RoundTripSummary RttMilliseconds);
