using System.Diagnostics.Metrics;
using EchoHost.Configuration;
using EchoHost.Identity;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace EchoHost.Metrics;

internal static class MetricsSetup
{
    /// <summary>
    /// The maximum number of series of an instrument: a base, plus a number per raw endpoint. Their memory is allocated at
    /// start.
    /// </summary>
    private const int SeriesInAll = 200;
    private const int SeriesPerEndpoint = 20;

    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string OtlpMetricsEndpoint = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";

    /// <summary>
    /// Aggregates the meters of this host, Kestrel and the runtime for scraping. If OpenTelemetry's own variables configure
    /// an OTLP endpoint, also pushes them there.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">Holds OpenTelemetry's variables.</param>
    /// <param name="endpoints">The endpoints with series of their own, the HTTP endpoint among them.</param>
    /// <exception cref="ConfigurationException">A variable can't be used.</exception>
    public static void AddEchoMetrics(this IServiceCollection services, IConfiguration configuration, IReadOnlyList<MeteredEndpoint> endpoints)
    {
        OtlpSettings.Check(configuration);
        var push = OtlpEndpointOf(configuration, OtlpMetricsEndpoint);
        var isPushed = push is not null || OtlpEndpointOf(configuration, OtlpEndpoint) is not null;
        services.AddSingleton(endpoints);
        services.AddSingleton<EchoMetrics>();
        services.AddSingleton<ProcessMetrics>();
        services.AddSingleton<KestrelInstruments>();
        services.AddSingleton(provider => new MeterProviders(
            (exporter, isWanted, maxSeries) => Build(provider, exporter, isWanted, maxSeries, configuration, isPushed, push),
            SeriesInAll + (SeriesPerEndpoint * endpoints.Count(e => e.Name != EchoMetrics.HttpEndpoint))));
    }

    private static Uri? OtlpEndpointOf(IConfiguration configuration, string key) => configuration[key] switch
    {
        null or "" => null,
        var value => Uri.TryCreate(value, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            ? uri
            : throw new ConfigurationException($"{key} is '{value}'; expected http://HOST:PORT"),
    };

    private static MeterProvider Build(
        IServiceProvider provider,
        PrometheusExporter exporter,
        Predicate<Instrument> isWanted,
        int maxSeries,
        IConfiguration configuration,
        bool isPushed,
        Uri? metricsEndpoint)
    {
        var meters = provider.GetRequiredService<IMeterFactory>();
        // Create these before the provider, so that their series exist from the first collection on.
        provider.GetRequiredService<EchoMetrics>();
        provider.GetRequiredService<ProcessMetrics>();
        var builder = Sdk.CreateMeterProviderBuilder()
            // Read OpenTelemetry's variables from all sources of the host's settings.
            .ConfigureServices(services => services.AddSingleton(configuration))
            // Identifies this host when pushing; a scraper knows its target already.
            .SetResourceBuilder(isPushed ? Resource(provider.GetRequiredService<Instance>()) : ResourceBuilder.CreateEmpty())
            .AddMeter(EchoMetrics.MeterName, ProcessMetrics.MeterName, KestrelLabels.MeterName, "System.Runtime")
            // Another host in this process has meters of the same names, from its own factory.
            .AddView(instrument => (instrument.Meter.Scope is IMeterFactory other && !ReferenceEquals(other, meters)) || !isWanted(instrument)
                ? MetricStreamConfiguration.Drop
                : new MetricStreamConfiguration { CardinalityLimit = maxSeries, TagKeys = KestrelLabels.Of(instrument) })
            .AddReader(new BaseExportingMetricReader(exporter) { TemporalityPreference = MetricReaderTemporalityPreference.Cumulative });
        if (isPushed)
        {
            AddOtlp(builder, metricsEndpoint);
        }

        try
        {
            return builder.Build();
        }
        catch (Exception e) when (isPushed && e is ArgumentException or FormatException or InvalidOperationException or UriFormatException)
        {
            throw new ConfigurationException($"OTEL_*: {e.GetBaseException().Message.ReplaceLineEndings(" ")}");
        }
    }

    private static ResourceBuilder Resource(Instance instance) =>
        ResourceBuilder.CreateEmpty().AddService("EchoHost", serviceInstanceId: instance.Name).AddTelemetrySdk().AddEnvironmentVariableDetector();

    /// <summary>Adds the OTLP exporter. A separate method, so that the exporter's assembly is loaded only if needed.</summary>
    private static void AddOtlp(MeterProviderBuilder builder, Uri? metricsEndpoint) => builder.AddOtlpExporter(otlp =>
    {
        // The variable for metrics is used as is; to the general one the SDK appends the signal's path.
        if (metricsEndpoint is not null)
        {
            otlp.Endpoint = metricsEndpoint;
        }
    });
}
