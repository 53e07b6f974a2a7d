using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace EchoHost.Metrics;

/// <summary>Hands the collected metrics to whoever asked for them: nothing is collected until somebody scrapes.</summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly SemaphoreSlim _one = new(1);
    private PrometheusText? _text;

    /// <inheritdoc/>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>Collects and writes every metric as text. One collection at a time; scrapes queue.</summary>
    /// <exception cref="InvalidOperationException">The SDK could not collect.</exception>
    public async Task<ReadOnlyMemory<byte>> ScrapeAsync(bool openMetrics, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            var text = _text = new PrometheusText(openMetrics);
            return Collect?.Invoke(Timeout.Infinite) == true ? text.Complete() : throw new InvalidOperationException("The metrics could not be collected.");
        }
        finally
        {
            _text = null;
            _one.Release();
        }
    }

    /// <inheritdoc/>
    public override ExportResult Export(in Batch<Metric> batch)
    {
        // Disposing the provider collects once more, with nobody there to read it.
        if (_text is { } text)
        {
            foreach (var metric in batch)
            {
                text.Add(metric);
            }
        }

        return ExportResult.Success;
    }

    protected override void Dispose(bool disposing)
    {
        _one.Dispose();
        base.Dispose(disposing);
    }
}
