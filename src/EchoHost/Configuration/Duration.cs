using System.Buffers;
using System.Globalization;

namespace EchoHost.Configuration;

/// <summary>Parses durations, in one format for all configuration keys and options.</summary>
internal static class Duration
{
    /// <summary>The accepted format, in words that follow "expected".</summary>
    public const string Expected = "a time as in 500ms, 30s, 2m, 1h or 00:00:30";

    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    private static readonly (string Unit, long Ticks)[] Units =
    [
        ("ms", TimeSpan.TicksPerMillisecond),
        ("us", TimeSpan.TicksPerMicrosecond),
        ("s", TimeSpan.TicksPerSecond),
        ("m", TimeSpan.TicksPerMinute),
        ("h", TimeSpan.TicksPerHour),
    ];

    /// <summary>Formats a duration so that <see cref="TryParse"/> reads it again: a whole number in the largest unit.</summary>
    public static string Format(TimeSpan time)
    {
        var (unit, ticksOfUnit) = Units.Where(unit => time.Ticks % unit.Ticks == 0).MaxBy(unit => unit.Ticks);
        return unit is null || time == TimeSpan.Zero
            ? time == TimeSpan.Zero ? "0s" : time.ToString("c", CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"{time.Ticks / ticksOfUnit}{unit}");
    }

    /// <summary>
    /// Parses <c>500ms</c>, <c>1.5s</c>, <c>2m</c>, <c>1h</c>, <c>100us</c> and <c>00:00:30</c> (<see cref="TimeSpan"/>'s format
    /// <c>c</c>). A number needs a unit: some would read a bare one as seconds, and the framework reads it as days.
    /// </summary>
    /// <param name="text">The text to parse.</param>
    /// <param name="time">The duration; negative for <c>-00:00:30</c>. The caller checks the range.</param>
    public static bool TryParse(string text, out TimeSpan time)
    {
        if (text.Contains(':'))
        {
            return TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out time);
        }

        time = default;
        var (unit, ticksOfUnit) = Array.Find(Units, u => text.EndsWith(u.Unit, StringComparison.OrdinalIgnoreCase));
        if (unit is null)
        {
            return false;
        }

        // The framework's parser accepts "NaN", "Infinity" and trailing zero bytes with any style.
        var digits = text.AsSpan(0, text.Length - unit.Length);
        if (digits.ContainsAnyExcept(NumberCharacters)
            || !double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        var ticks = number * ticksOfUnit;
        if (ticks is not (>= 0 and <= long.MaxValue / 2))
        {
            return false;
        }

        time = TimeSpan.FromTicks((long)Math.Round(ticks));
        return true;
    }
}
