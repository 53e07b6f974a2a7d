using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace EchoHost.Metrics;

/// <summary>Collects from a provider on demand, into the caller's text.</summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    private PrometheusText? _text;

    /// <inheritdoc/>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>Collects, and adds every metric to the text. Only one collection may run at a time.</summary>
    /// <exception cref="InvalidOperationException">The SDK could not collect.</exception>
    public void CollectInto(PrometheusText text)
    {
        _text = text;
        try
        {
            if (Collect?.Invoke(Timeout.Infinite) != true)
            {
                throw new InvalidOperationException("The metrics could not be collected.");
            }
        }
        finally
        {
            _text = null;
        }
    }

    /// <inheritdoc/>
    public override ExportResult Export(in Batch<Metric> batch)
    {
        // Disposing the provider collects once more, without a text.
        if (_text is { } text)
        {
            foreach (var metric in batch)
            {
                text.Add(metric);
            }
        }

        return ExportResult.Success;
    }
}
