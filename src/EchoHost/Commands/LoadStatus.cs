using System.Globalization;

namespace EchoHost.Commands;

/// <summary>The state of a running load test.</summary>
/// <param name="Connections">The number of connections made so far.</param>
/// <param name="Rate">Messages per second.</param>
/// <param name="Median">The p50 of the latency, in microseconds.</param>
/// <param name="P99">The p99 of the latency, in microseconds.</param>
/// <param name="Errors">The number of errors.</param>
internal readonly record struct LoadStatus(long Connections, double Rate, double Median, double P99, long Errors)
{
    /// <summary>The minimum width of a terminal for which the text is complete.</summary>
    public const int MinWidth = 40;

    private const int LongestBar = 40;
    private const int ShortestBar = 8;

    /// <summary>One free column on either side of the text.</summary>
    private const int Margins = 2;

    /// <summary>The length of the bar before the text, for a terminal's width.</summary>
    public static int BarWidth(int width) => Math.Clamp(width / 4, ShortestBar, LongestBar);

    /// <summary>The longest text that fits beside the bar on one line.</summary>
    public string Text(int width)
    {
        var room = width - BarWidth(width) - Margins;
        string[] texts =
        [
            Invariant($"{Connections:N0} connections, {Rate:N0} messages/s, p50 {Time(Median)}, p99 {Time(P99)}, {Errors:N0} errors"),
            Invariant($"{Rate:N0} messages/s, p50 {Time(Median)}, p99 {Time(P99)}, {Errors:N0} errors"),
            Invariant($"{Rate:N0}/s, p99 {Time(P99)}, {Errors:N0} errors"),
            Invariant($"{Short(Rate)}/s, p99 {Time(P99)}, {Short(Errors)} errors"),
            Invariant($"{Short(Rate)}/s, {Short(Errors)} errors"),
        ];
        return Array.Find(texts, text => text.Length <= room) ?? (texts[^1].Length <= room ? texts[^1] : texts[^1][..Math.Max(0, room)]);
    }

    private static string Time(double microseconds) => microseconds switch
    {
        < 1_000 => Invariant($"{microseconds:0} µs"),
        < 1_000_000 => Invariant($"{microseconds / 1_000:0.#} ms"),
        _ => Invariant($"{microseconds / 1_000_000:0.#} s"),
    };

    private static string Short(double count) => count switch
    {
        < 10_000 => Invariant($"{count:0}"),
        < 10_000_000 => Invariant($"{count / 1_000:0}k"),
        _ => Invariant($"{count / 1_000_000:0}M"),
    };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
