using System.Text;

namespace EchoHost.Metrics;

/// <summary>
/// An instrument's Prometheus name, after OpenTelemetry's "Prometheus and OpenMetrics Compatibility": characters outside
/// the alphabet become underscores, the unit is appended in words, a counter ends in <c>_total</c>, an info in
/// <c>_info</c>.
/// </summary>
/// <param name="Family">The family's name, without <c>_total</c> and <c>_info</c>.</param>
/// <param name="Sample">The name of its samples, except a histogram's.</param>
/// <param name="Unit">The unit in words; empty if there is none.</param>
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
            // The suffix is reserved for histograms, and promtool rejects it: dotnet.thread_pool.thread.count.
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

            // A run of other characters becomes one underscore.
            if (isPlain || clean.Length == 0 || clean[^1] != '_')
            {
                clean.Append(isPlain ? c : '_');
            }
        }

        return clean.ToString();
    }

    /// <summary>Translates UCUM units to Prometheus' words. Text in braces names what is counted and is not a unit.</summary>
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
