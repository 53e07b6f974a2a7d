using System.Diagnostics.Metrics;
using EchoHost.Metrics;

namespace EchoHost.Peers.Mesh;

/// <summary>
/// The instruments of the mesh. They have their own meter provider: a series lives as long as its provider, and those of peers
/// that left must go.
/// </summary>
internal sealed class PeerMetrics
{
    private static readonly ProbeResult[] Results = Enum.GetValues<ProbeResult>();

    private static readonly KeyValuePair<string, object?>[] ResultTags =
        [.. Results.Select(result => new KeyValuePair<string, object?>("result", result.Label()))];

    private readonly PeerList _peers;
    private readonly MeterProviders _providers;
    private readonly Histogram<double> _roundTrip;
    private readonly Histogram<double> _phase;

    public PeerMetrics(IMeterFactory meters, PeerList peers, MeterProviders providers)
    {
        _peers = peers;
        _providers = providers;
        var meter = meters.Create(EchoMetrics.MeterName);
        _roundTrip = meter.CreateHistogram(
            $"{MeterProviders.PeerPrefix}rtt",
            "s",
            "Round trips of probes that came back, without connecting.",
            advice: new InstrumentAdvice<double>
            {
                // Few, since every peer has them.
                HistogramBucketBoundaries = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
            });
        _phase = meter.CreateHistogram(
            $"{MeterProviders.PeerPrefix}phase",
            "s",
            "How long the phases of the probes' connections took, over all peers.",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
            });
        meter.CreateObservableCounter(
            $"{MeterProviders.PeerPrefix}retransmits",
            () => from peer in _peers.All() select new Measurement<long>(peer.Retransmits, peer.Tag),
            "{segment}",
            "Segments that this machine retransmitted on the probes' connections.");
        meter.CreateObservableCounter($"{MeterProviders.PeerPrefix}probes", ObserveProbes, "{probe}", "Probes, by what came of them.");
        // No unit: with the unit 1, the Prometheus name of a gauge becomes "echohost_peer_up_ratio".
        meter.CreateObservableGauge($"{MeterProviders.PeerPrefix}up", ObserveUp, description: "Whether the last probe came back byte for byte.");
    }

    /// <summary>Records the times of a probe. The peer must still be in the list.</summary>
    public void Probed(Peer peer, Probe probe)
    {
        if (probe.RoundTrip is { } roundTrip)
        {
            _roundTrip.Record(roundTrip.TotalSeconds, peer.Tag);
        }

        if (probe.Phases is { } phases)
        {
            Record(phases.Resolve, "resolve");
            Record(phases.Connect, "connect");
            Record(phases.Tls, "tls");
        }
    }

    private void Record(TimeSpan? time, string phase)
    {
        if (time is { } took)
        {
            _phase.Record(took.TotalSeconds, new KeyValuePair<string, object?>("phase", phase));
        }
    }

    /// <summary>Adapts the series to a changed list of peers.</summary>
    /// <param name="haveSomeLeft">Whether peers left, so that their series must go.</param>
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
