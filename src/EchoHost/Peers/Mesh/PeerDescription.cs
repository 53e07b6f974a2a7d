using System.Text.Json.Serialization;

namespace EchoHost.Peers.Mesh;

/// <summary>A peer in the answer of <c>/peers</c>.</summary>
/// <param name="Name">The name, as in <c>10.0.0.2:5555</c>.</param>
/// <param name="Source"><c>Targets</c> or <c>Dns</c>.</param>
/// <param name="Tls">Whether probes use TLS.</param>
/// <param name="Up">Whether every byte of the last probe came back the same.</param>
/// <param name="State"><c>unknown</c>, <c>up</c>, <c>turnsAway</c> or <c>down</c>.</param>
/// <param name="Since">When the state began, UTC, an outage with its first failure; null before the first probe.</param>
/// <param name="LastResult">The result of the last probe; null before the first.</param>
/// <param name="LastError">What failed in the last probe; null if nothing did.</param>
/// <param name="LastProbe">When the last probe ended, UTC; null before the first.</param>
/// <param name="Probes">The number of probes.</param>
/// <param name="Lost">The number of probes that failed.</param>
/// <param name="LossPercent">The share of probes that failed, in percent.</param>
/// <param name="RttMilliseconds">The last round trip, and percentiles of recent ones.</param>
internal sealed record PeerDescription(
    string Name,
    string Source,
    bool Tls,
    bool Up,
    string State,
    DateTime? Since,
    string? LastResult,
    string? LastError,
    DateTime? LastProbe,
    long Probes,
    long Lost,
    double LossPercent,
    RoundTripSummary RttMilliseconds)
{
    /// <summary>The last probes as a strip of columns; null in <c>/peers</c>, which leaves it out.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public StripDescription? Strip { get; init; }
}
