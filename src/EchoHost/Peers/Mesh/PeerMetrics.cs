using System.Diagnostics.Metrics;
using EchoHost.Metrics;

namespace EchoHost.Peers.Mesh;

/// <summary>The instruments of the mesh. They have a provider of their own, since a series once collected stays for as long as its provider.</summary>
internal sealed class PeerMetrics
{
    private static readonly ProbeResult[] Results = Enum.GetValues<ProbeResult>();

    private static readonly KeyValuePair<string, object?>[] ResultTags =
        [.. Results.Select(result => new KeyValuePair<string, object?>("result", result.Label()))];

    private readonly PeerList _peers;
    private readonly MeterProviders _providers;
    private readonly Histogram<double> _roundTrip;

    public PeerMetrics(IMeterFactory meters, PeerList peers, MeterProviders providers)
    {
        (_peers, _providers) = (peers, providers);
        var meter = meters.Create(EchoMetrics.MeterName);
        _roundTrip = meter.CreateHistogram(
            $"{MeterProviders.PeerPrefix}rtt",
            "s",
            "Round trips of probes that came back, without connecting.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5] });
        meter.CreateObservableCounter($"{MeterProviders.PeerPrefix}probes", ObserveProbes, "{probe}", "Probes, by what came of them.");
        // Without a unit: of a gauge whose unit is 1 Prometheus makes a ratio, "echohost_peer_up_ratio".
        meter.CreateObservableGauge($"{MeterProviders.PeerPrefix}up", ObserveUp, description: "Whether the last probe came back byte for byte.");
    }

    /// <summary>Counts a probe of a peer that is still there.</summary>
    public void Probed(Peer peer, Probe probe)
    {
        if (probe.RoundTrip is { } roundTrip)
        {
            _roundTrip.Record(roundTrip.TotalSeconds, peer.Tag);
        }
    }

    /// <summary>There are other peers now; the series of those that left go too.</summary>
    /// <param name="haveSomeLeft">Whether there are fewer too.</param>
    public void PeersChanged(bool haveSomeLeft) => _providers.FitPeers(_peers.Count, Results.Length, haveSomeLeft);

    private IEnumerable<Measurement<long>> ObserveProbes() =>
        from peer in _peers.All()
        from result in Results
        select new Measurement<long>(peer.ProbesOf(result), peer.Tag, ResultTags[(int)result]);

    private IEnumerable<Measurement<int>> ObserveUp() =>
        from peer in _peers.All()
        let state = peer.State
        where state != PeerState.Unknown
        select new Measurement<int>(state == PeerState.Up ? 1 : 0, peer.Tag);
}
