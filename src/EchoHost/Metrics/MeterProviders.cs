using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace EchoHost.Metrics;

/// <summary>
/// Aggregates the metrics with two providers: one for the mesh, whose series come and go, and one for all others. The SDK keeps a
/// series as long as its provider, so the mesh's provider is replaced when peers have left.
/// </summary>
/// <param name="build">
/// Creates a provider with an exporter, for the selected instruments, with a maximum number of series for each.
/// </param>
/// <param name="maxSeries">The maximum number of series of an instrument outside the mesh.</param>
internal sealed class MeterProviders(Func<PrometheusExporter, Predicate<Instrument>, int, MeterProvider> build, int maxSeries) : IDisposable
{
    /// <summary>The prefix of the mesh's instruments.</summary>
    public const string PeerPrefix = "echohost.peer.";

    /// <summary>The minimum number of peers to make room for.</summary>
    private const int FewPeers = 64;

    private readonly SemaphoreSlim _one = new(1);
    private readonly PrometheusExporter _exporter = new();
    private MeterProvider? _provider;
    private PrometheusExporter? _peerExporter;
    private MeterProvider? _peerProvider;
    private int _maxPeers;
    private int _isDisposed;

    /// <summary>Starts to count measurements; otherwise those before the first scrape would be lost.</summary>
    public void Start() => _provider ??= build(_exporter, instrument => !IsOfMesh(instrument), maxSeries);

    /// <summary>Makes room for the series of all peers, and drops the series of peers that have left.</summary>
    /// <param name="peers">The number of peers.</param>
    /// <param name="seriesPerPeer">The maximum number of series of an instrument per peer.</param>
    /// <param name="haveSomeLeft">Whether any peer has left.</param>
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

        // If metrics are pushed, Dispose pushes once more, which may take long.
        _ = Task.Run(() => former?.Dispose());
    }

    /// <summary>Collects all metrics and writes them as text. One collection runs at a time; scrapes queue.</summary>
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

    /// <summary>Disposes the providers once. If metrics are pushed, they push once more, which may take seconds.</summary>
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
