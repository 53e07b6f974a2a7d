namespace EchoHost.Metrics;

/// <summary>The type of the metric family that an instrument becomes.</summary>
internal enum MetricKind
{
    Counter,
    Gauge,
    Histogram,

    /// <summary>A gauge that is always 1 and informs by its labels.</summary>
    Info,
}

internal static class MetricKindExtensions
{
    public static string Label(this MetricKind kind, bool openMetrics) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Histogram => "histogram",
        // The older format lacks this type.
        MetricKind.Info when openMetrics => "info",
        MetricKind.Info or MetricKind.Gauge => "gauge",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such kind"),
    };
}
