using System.Text;

namespace EchoHost.Metrics;

/// <summary>What kind of family an instrument becomes.</summary>
internal enum MetricKind
{
    Counter,
    Gauge,
    Histogram,

    /// <summary>A gauge that is always 1, whose labels say something.</summary>
    Info,
}

internal static class MetricKindExtensions
{
    public static string Label(this MetricKind kind, bool openMetrics) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Histogram => "histogram",
        // The older format does not know the type.
        MetricKind.Info when openMetrics => "info",
        _ => "gauge",
    };
}

/// <summary>
/// An instrument's name for Prometheus, after OpenTelemetry's "Prometheus and OpenMetrics Compatibility": characters
/// outside the alphabet become underscores, the unit is appended in words, a counter ends in <c>_total</c>, an info in <c>_info</c>.
/// </summary>
/// <param name="Family">Without <c>_total</c> and <c>_info</c>.</param>
/// <param name="Sample">What a sample is called, but for a histogram's.</param>
/// <param name="Unit">In words; empty where there is none.</param>
internal sealed record PrometheusName(string Family, string Sample, string Unit)
{
    public static PrometheusName Of(string instrument, string unit, MetricKind kind)
    {
        var name = Clean(instrument, allowColon: true);
        var words = UnitInWords(unit, kind);
        if (kind == MetricKind.Counter)
        {
            name = Without(name, "_total");
        }
        else if (kind == MetricKind.Gauge)
        {
            // Reserved for histograms, and refused by promtool: dotnet.thread_pool.thread.count.
            name = Without(name, "_count");
        }

        if (words.Length > 0 && !name.EndsWith($"_{words}", StringComparison.Ordinal))
        {
            name = $"{name}_{words}";
        }

        var sample = kind switch
        {
            MetricKind.Counter => $"{name}_total",
            MetricKind.Info => $"{name}_info",
            _ => name,
        };
        return new PrometheusName(name, sample, words);
    }

    /// <summary>A label's name: letters, digits and underscores.</summary>
    public static string Label(string key) => Clean(key, allowColon: false);

    private static string Without(string name, string suffix) => name.EndsWith(suffix, StringComparison.Ordinal) ? name[..^suffix.Length] : name;

    private static string Clean(string name, bool allowColon)
    {
        var clean = new StringBuilder(name.Length);
        foreach (var c in name)
        {
            var isPlain = char.IsAsciiLetterOrDigit(c) || (allowColon && c == ':');
            if (clean.Length == 0 && char.IsAsciiDigit(c))
            {
                clean.Append('_');
            }

            // A run of others becomes one underscore.
            if (isPlain || clean.Length == 0 || clean[^1] != '_')
            {
                clean.Append(isPlain ? c : '_');
            }
        }

        return clean.ToString();
    }

    /// <summary>UCUM units in Prometheus' words; what stands in braces says what is counted and is no unit.</summary>
    private static string UnitInWords(string unit, MetricKind kind) => unit switch
    {
        "" or ['{', ..] => "",
        "1" => kind == MetricKind.Gauge ? "ratio" : "",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "%" => "percent",
        _ => Clean(unit, allowColon: false),
    };
}
