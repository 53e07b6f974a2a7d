using System.Globalization;
using System.Text.RegularExpressions;
using EchoHost.Configuration;

namespace EchoHost.Fuzz.Targets;

/// <summary>A duration in the configuration or in an option: exact, and unchanged when written and read again.</summary>
internal static partial class DurationTarget
{
    public static FuzzTarget Target { get; } = new(
        "duration", "a time is what it says", Check, typeof(Duration), Seeds);

    private static void Check(byte[] input)
    {
        var text = Inputs.Text(input);
        if (!Duration.TryParse(text, out var time))
        {
            return;
        }

        Property.Holds(Duration.TryParse(time.ToString("c"), out var again) && again == time, $"'{text}' is {time}, and that is {again}");
        if (text.Contains(':'))
        {
            return;
        }

        var parts = WithUnit().Match(text);
        Property.Holds(parts.Success, $"'{text}' is a time");
        Property.Holds(time >= TimeSpan.Zero, $"'{text}' is {time}");
        var isNumber = decimal.TryParse(parts.Groups["number"].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number);
        if (isNumber && number < 1_000_000_000)
        {
            var ticks = number * parts.Groups["unit"].Value.ToLowerInvariant() switch
            {
                "us" => TimeSpan.TicksPerMicrosecond,
                "ms" => TimeSpan.TicksPerMillisecond,
                "s" => TimeSpan.TicksPerSecond,
                "m" => TimeSpan.TicksPerMinute,
                _ => TimeSpan.TicksPerHour,
            };
            // The number is parsed as floating point, which has 53 bits.
            Property.Holds(Math.Abs(time.Ticks - ticks) <= 1 + (ticks / (1L << 50)), $"'{text}' is {time}");
        }
    }

    private static IEnumerable<byte[]> Seeds() =>
        ((string[])["500ms", "1.5s", "2m", "1h", "100us", "00:00:30", "1.02:03:04.5678901", "-00:00:30", "0s", "NaNs", "1e3s"]).Select(Inputs.Bytes);

    [GeneratedRegex(@"\A(?<number>[0-9]+(\.[0-9]*)?|\.[0-9]+)(?<unit>us|ms|s|m|h)\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex WithUnit();
}
