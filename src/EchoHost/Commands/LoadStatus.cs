using System.Globalization;

namespace EchoHost.Commands;

/// <summary>How a load test is going, at one moment.</summary>
/// <param name="Connections">How many were made.</param>
/// <param name="Rate">Messages a second.</param>
/// <param name="Median">The latency's p50, in microseconds.</param>
/// <param name="P99">Its p99.</param>
/// <param name="Errors">How many there were.</param>
internal readonly record struct LoadStatus(long Connections, double Rate, double Median, double P99, long Errors)
{
    /// <summary>The narrowest terminal that the text is made for.</summary>
    public const int MinWidth = 40;

    private const int LongestBar = 40;
    private const int ShortestBar = 8;

    /// <summary>One column on either side of the text is left free.</summary>
    private const int Margins = 2;

    /// <summary>How long the bar before the text is, on a terminal this wide.</summary>
    public static int BarWidth(int width) => Math.Clamp(width / 4, ShortestBar, LongestBar);

    /// <summary>As much as fits beside the bar, in one line.</summary>
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
