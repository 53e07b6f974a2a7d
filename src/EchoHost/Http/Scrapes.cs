using System.Buffers;
using EchoHost.Metrics;

namespace EchoHost.Http;

/// <summary>
/// Generates the responses of <c>GET /metrics</c>. Each is collected after its request; requests that wait meanwhile share
/// one.
/// </summary>
internal sealed class Scrapes(MeterProviders providers) : IDisposable
{
    private const double Share = 1 / 20.0;

    private readonly CostlyAnswers<bool> _answers = new(TimeSpan.Zero, Share, TimeProvider.System);

    /// <summary>The metrics as text; null if too many other requests are queued.</summary>
    public ValueTask<ReadOnlySequence<byte>?> GetAsync(bool openMetrics, CancellationToken cancellationToken) =>
        _answers.GetAsync(openMetrics, MakeAsync, cancellationToken);

    public void Dispose() => _answers.Dispose();

    private async ValueTask<ReadOnlySequence<byte>> MakeAsync(bool openMetrics) => new(await providers.ScrapeAsync(openMetrics, CancellationToken.None));
}
