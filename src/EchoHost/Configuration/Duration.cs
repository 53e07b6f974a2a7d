using System.Buffers;
using System.Globalization;

namespace EchoHost.Configuration;

/// <summary>A length of time as people type it: one way for every configuration key and every option.</summary>
internal static class Duration
{
    /// <summary>What is accepted, in words that follow "expected".</summary>
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

    /// <summary>
    /// Parses <c>500ms</c>, <c>1.5s</c>, <c>2m</c>, <c>1h</c>, <c>100us</c> and <c>00:00:30</c> (<see cref="TimeSpan"/>'s format
    /// <c>c</c>). A number needs its unit: a bare one would be seconds to some readers, and days to the framework.
    /// </summary>
    /// <param name="text">What was given.</param>
    /// <param name="time">The time, less than zero where <paramref name="text"/> is a negative <c>-00:00:30</c>; the range is the caller's to check.</param>
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

        // The framework's parser takes "NaN", "Infinity" and numbers followed by zero bytes with any style.
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
