using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace EchoHost.Metrics;

/// <summary>
/// What aggregates the metrics: a provider for all but those of the mesh, whose series come and go, and one for these. The
/// SDK keeps a series for as long as its provider, so that one is made anew when peers have left.
/// </summary>
/// <param name="build">Makes a provider with an exporter for the instruments that are wanted, each with so many series at the most.</param>
/// <param name="maxSeries">How many series an instrument has at the most, those of the mesh aside.</param>
internal sealed class MeterProviders(Func<PrometheusExporter, Predicate<Instrument>, int, MeterProvider> build, int maxSeries) : IDisposable
{
    /// <summary>What the names of the mesh's instruments begin with.</summary>
    public const string PeerPrefix = "echohost.peer.";

    /// <summary>Room for this many peers is made at first.</summary>
    private const int FewPeers = 64;

    private readonly SemaphoreSlim _one = new(1);
    private readonly PrometheusExporter _exporter = new();
    private MeterProvider? _provider;
    private PrometheusExporter? _peerExporter;
    private MeterProvider? _peerProvider;
    private int _maxPeers;
    private int _isDisposed;

    /// <summary>From here on, rather than from the first scrape, every measurement counts.</summary>
    public void Start() => _provider ??= build(_exporter, instrument => !IsOfMesh(instrument), maxSeries);

    /// <summary>Makes room for the series of the peers, and forgets those that have left.</summary>
    /// <param name="peers">How many there are.</param>
    /// <param name="seriesPerPeer">How many series an instrument has for each, at most.</param>
    /// <param name="haveSomeLeft">Whether some have left.</param>
    public void FitPeers(int peers, int seriesPerPeer, bool haveSomeLeft)
    {
        if (!haveSomeLeft && peers <= _maxPeers)
        {
            return;
        }

        MeterProvider? former;
        _one.Wait();
        try
        {
            former = _peerProvider;
            _maxPeers = Math.Max(FewPeers, 2 * peers);
            _peerExporter = new PrometheusExporter();
            _peerProvider = build(_peerExporter, IsOfMesh, _maxPeers * seriesPerPeer);
        }
        finally
        {
            _one.Release();
        }

        // Where metrics are pushed that pushes once more, which may take long.
        _ = Task.Run(() => former?.Dispose());
    }

    /// <summary>Collects and writes every metric as text. One collection at a time; scrapes queue.</summary>
    /// <exception cref="InvalidOperationException">The SDK could not collect.</exception>
    public async Task<ReadOnlyMemory<byte>> ScrapeAsync(bool openMetrics, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            var text = new PrometheusText(openMetrics);
            _exporter.CollectInto(text);
            _peerExporter?.CollectInto(text);
            return text.Complete();
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Pushes once more where metrics are pushed, which may take seconds; once, however often it is called.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _peerProvider?.Dispose();
            _provider?.Dispose();
            _one.Dispose();
        }
    }

    private static bool IsOfMesh(Instrument instrument) => instrument.Name.StartsWith(PeerPrefix, StringComparison.Ordinal);
}
