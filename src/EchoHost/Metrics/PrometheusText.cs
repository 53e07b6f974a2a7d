using System.Globalization;
using System.Text;
using OpenTelemetry.Metrics;

namespace EchoHost.Metrics;

/// <summary>
/// Writes metrics in the Prometheus text format 0.0.4 or as OpenMetrics 1.0: families sorted by name, labels by key,
/// so that two scrapes differ only in their numbers.
/// </summary>
internal sealed class PrometheusText(bool openMetrics)
{
    private readonly SortedDictionary<string, string> _families = new(StringComparer.Ordinal);

    /// <summary>The content type of the text (OpenMetrics specification, "Protocol Negotiation").</summary>
    public static string ContentType(bool openMetrics) => openMetrics
        ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
        : "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>
    /// Adds a metric with all its series. A second metric of the same name (another version of its meter) joins the first.
    /// </summary>
    public void Add(Metric metric)
    {
        var kind = KindOf(metric);
        var name = PrometheusName.Of(metric.Name, metric.Unit, kind);
        var text = new StringBuilder();
        if (!_families.TryGetValue(name.Family, out var before))
        {
            WriteHeader(text, metric, name, kind);
        }

        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            var labels = Labels(point.Tags);
            if (kind == MetricKind.Histogram)
            {
                WriteHistogram(text, name.Family, labels, point);
            }
            else
            {
                WriteSample(text, name.Sample, labels, ValueOf(metric.MetricType, point));
            }
        }

        _families[name.Family] = before + text;
    }

    /// <summary>Returns the whole text.</summary>
    public ReadOnlyMemory<byte> Complete()
    {
        var text = new StringBuilder();
        foreach (var family in _families.Values)
        {
            text.Append(family);
        }

        if (openMetrics)
        {
            text.Append("# EOF\n");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Escapes a label's value as both formats require: backslash, quote and line feed.</summary>
    internal static string EscapeLabel(string value) => value
        .Replace(@"\", @"\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", @"\n", StringComparison.Ordinal);

    /// <summary>Formats a number for both formats: the shortest text that reads back the same; +Inf, -Inf, NaN.</summary>
    internal static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ when double.IsNaN(value) => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private void WriteHeader(StringBuilder text, Metric metric, PrometheusName name, MetricKind kind)
    {
        // In 0.0.4 a family has its sample's name; in OpenMetrics the name lacks _total and _info.
        var family = openMetrics ? name.Family : name.Sample;
        text.Append("# HELP ").Append(family).Append(' ').Append(EscapeHelp(metric.Description)).Append('\n');
        text.Append("# TYPE ").Append(family).Append(' ').Append(kind.Label(openMetrics)).Append('\n');
        if (openMetrics && name.Unit.Length > 0)
        {
            text.Append("# UNIT ").Append(family).Append(' ').Append(name.Unit).Append('\n');
        }
    }

    private string EscapeHelp(string help)
    {
        help = help.Length == 0 ? "No description." : help.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);
        return openMetrics ? help.Replace("\"", "\\\"", StringComparison.Ordinal) : help;
    }

    private static MetricKind KindOf(Metric metric) => metric.MetricType switch
    {
        // The runtime declares these as counters, but they can fall.
        _ when metric.Name is "dotnet.thread_pool.thread.count" or "dotnet.thread_pool.queue.length" => MetricKind.Gauge,
        // OpenTelemetry has no info type.
        _ when metric.Name == EchoMetrics.BuildName => MetricKind.Info,
        MetricType.LongSum or MetricType.DoubleSum => MetricKind.Counter,
        MetricType.Histogram => MetricKind.Histogram,
        _ => MetricKind.Gauge,
    };

    private static double ValueOf(MetricType type, in MetricPoint point) => type switch
    {
        MetricType.LongSum or MetricType.LongSumNonMonotonic => point.GetSumLong(),
        MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => point.GetSumDouble(),
        MetricType.LongGauge => point.GetGaugeLastValueLong(),
        _ => point.GetGaugeLastValueDouble(),
    };

    private static string Labels(in OpenTelemetry.ReadOnlyTagCollection tags)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var tag in tags)
        {
            labels[PrometheusName.Label(tag.Key)] = Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? "";
        }

        return string.Join(',', labels.Select(label => $"{label.Key}=\"{EscapeLabel(label.Value)}\""));
    }

    private static void WriteHistogram(StringBuilder text, string family, string labels, in MetricPoint point)
    {
        var separator = labels.Length == 0 ? "" : ",";
        long cumulative = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            cumulative += bucket.BucketCount;
            WriteSample(text, $"{family}_bucket", $"{labels}{separator}le=\"{BucketBound(bucket.ExplicitBound)}\"", cumulative);
        }

        WriteSample(text, $"{family}_sum", labels, point.GetHistogramSum());
        WriteSample(text, $"{family}_count", labels, point.GetHistogramCount());
    }

    /// <summary>
    /// Formats a bucket's bound. OpenMetrics requires "1.0" where 0.0.4 allows "1"; with "1.0" in both, the label <c>le</c>
    /// is the same.
    /// </summary>
    private static string BucketBound(double bound) => Number(bound) is var text && long.TryParse(text, out _) ? $"{text}.0" : Number(bound);

    private static void WriteSample(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(Number(value)).Append('\n');
    }
}
