using System.Text.Json.Serialization;
using EchoHost.Peers.Mesh;

namespace EchoHost.Peers.Fleet;

/// <summary>A host's view of one of its peers, in <c>/fleet</c> and as it is read from another host's <c>/peers</c>.</summary>
/// <param name="Name">The peer's name, as in <c>10.0.0.2:5555</c>.</param>
/// <param name="State"><c>unknown</c>, <c>up</c>, <c>turnsAway</c> or <c>down</c>.</param>
/// <param name="LastResult">The result of the last probe; null before the first.</param>
/// <param name="LastError">What failed in the last probe; null if nothing did.</param>
/// <param name="LossPercent">The share of probes that failed, in percent.</param>
/// <param name="RttMilliseconds">The round trip.</param>
internal sealed record FleetPeer(
    [property: JsonRequired] string Name,
    [property: JsonRequired] string State,
    string? LastResult,
    string? LastError,
    double LossPercent,
    FleetRoundTrip? RttMilliseconds)
{
    public static FleetPeer Of(PeerDescription peer) => new(
        peer.Name, peer.State, peer.LastResult, peer.LastError, peer.LossPercent, new FleetRoundTrip(peer.RttMilliseconds.P50));
}

/// <param name="P50">The median in milliseconds; null if no probe came back.</param>
internal sealed record FleetRoundTrip(double? P50);
