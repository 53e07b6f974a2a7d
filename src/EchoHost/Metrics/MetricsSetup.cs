using System.Diagnostics.Metrics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace EchoHost.Metrics;

internal static class MetricsSetup
{
    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string OtlpMetricsEndpoint = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";

    /// <summary>
    /// Aggregates this host's meters, Kestrel's and the runtime's: for whoever scrapes, and, where an OTLP endpoint is
    /// configured by OpenTelemetry's own variables, pushed there.
    /// </summary>
    public static void AddEchoMetrics(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<EchoMetrics>();
        services.AddSingleton<ProcessMetrics>();
        services.AddSingleton<PrometheusExporter>();
        services.AddSingleton(provider => BuildProvider(provider, configuration));
    }

    private static MeterProvider BuildProvider(IServiceProvider provider, IConfiguration configuration)
    {
        var meters = provider.GetRequiredService<IMeterFactory>();
        // Created before the provider, so that both have their series from the first collection on.
        provider.GetRequiredService<EchoMetrics>();
        provider.GetRequiredService<ProcessMetrics>();
        var builder = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(ResourceBuilder.CreateEmpty().AddService("EchoHost", serviceInstanceId: Environment.MachineName).AddTelemetrySdk().AddEnvironmentVariableDetector())
            .AddMeter(EchoMetrics.MeterName, ProcessMetrics.MeterName, "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
            // Another host in this process has meters of the same names, from a factory of its own.
            .AddView(instrument => instrument.Meter.Scope is IMeterFactory other && !ReferenceEquals(other, meters) ? MetricStreamConfiguration.Drop : null!)
            .AddReader(new BaseExportingMetricReader(provider.GetRequiredService<PrometheusExporter>()) { TemporalityPreference = MetricReaderTemporalityPreference.Cumulative });
        if (!string.IsNullOrEmpty(configuration[OtlpEndpoint]) || !string.IsNullOrEmpty(configuration[OtlpMetricsEndpoint]))
        {
            builder.AddOtlpExporter();
        }

        return builder.Build();
    }
}
