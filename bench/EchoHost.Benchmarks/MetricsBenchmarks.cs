using BenchmarkDotNet.Attributes;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Benchmarks;

/// <summary>What metrics cost: a counter, a message, and a whole scrape of a running host.</summary>
[MemoryDiagnoser]
[ShortRunJob]
public class MetricsBenchmarks
{
    private readonly StripedCounter _counter = new();
    private WebApplication _host = null!;
    private EndpointMetrics _endpoint = null!;
    private MeterProviders _providers = null!;

    [GlobalSetup]
    public async Task Setup()
    {
        _host = BenchmarkHost.Build();
        await _host.StartAsync();
        _endpoint = _host.Services.GetRequiredService<EchoMetrics>().For("Tcp");
        _providers = _host.Services.GetRequiredService<MeterProviders>();
        // A histogram of each reason is in the text of a host that has run for a while.
        foreach (var reason in Enum.GetValues<CloseReason>())
        {
            _endpoint.Opened();
            _endpoint.Closed(TimeSpan.FromSeconds(1), reason, isEmpty: false);
        }
    }

    [GlobalCleanup]
    public async Task Cleanup() => await _host.DisposeAsync();

    [Benchmark]
    public void Counter() => _counter.Add(64);

    /// <summary>A message received and sent back.</summary>
    [Benchmark]
    public void Message()
    {
        _endpoint.Received(64);
        _endpoint.Sent(64);
    }

    /// <summary>The text that <c>/metrics</c> answers with, without HTTP.</summary>
    [Benchmark]
    public async Task<int> Scrape() => (await _providers.ScrapeAsync(openMetrics: false, CancellationToken.None)).Length;
}
