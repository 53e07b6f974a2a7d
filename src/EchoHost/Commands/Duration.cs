using System.Globalization;

namespace EchoHost.Commands;

/// <summary>Times as people type them.</summary>
internal static class Duration
{
    /// <summary>What is accepted, in words.</summary>
    public const string Shapes = "expected a time as in 500ms, 10s, 2m, 1h or 00:00:10";

    private static readonly (string Unit, long Ticks)[] Units =
    [
        ("ms", TimeSpan.TicksPerMillisecond),
        ("us", TimeSpan.TicksPerMicrosecond),
        ("s", TimeSpan.TicksPerSecond),
        ("m", TimeSpan.TicksPerMinute),
        ("h", TimeSpan.TicksPerHour),
    ];

    /// <summary>Parses <c>500ms</c>, <c>1.5s</c>, <c>2m</c>, <c>1h</c>, <c>100us</c> and <c>00:00:10</c>; a bare number is seconds.</summary>
    public static bool TryParse(string text, out TimeSpan time)
    {
        if (text.Contains(':'))
        {
            return TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out time);
        }

        var (unit, ticksOfUnit) = Array.Find(Units, u => text.EndsWith(u.Unit, StringComparison.OrdinalIgnoreCase));
        time = default;
        if (!double.TryParse(text[..^(unit?.Length ?? 0)], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        // "NaN" and "Infinity" are numbers to the framework's parser, whatever the styles.
        var ticks = number * (unit is null ? TimeSpan.TicksPerSecond : ticksOfUnit);
        if (ticks is not (>= 0 and <= long.MaxValue / 2))
        {
            return false;
        }

        time = TimeSpan.FromTicks((long)Math.Round(ticks));
        return true;
    }
}
