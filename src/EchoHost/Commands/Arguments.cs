using System.CommandLine;
using System.Globalization;
using EchoHost.Configuration;

namespace EchoHost.Commands;

/// <summary>Reads option values; an error is one line that names the option and the value.</summary>
internal static class Arguments
{
    /// <summary>A whole number; null if the option is not given.</summary>
    /// <exception cref="ConfigurationException">The value is not a whole number, or out of bounds.</exception>
    public static int? Number(this ParseResult parsed, Option<string?> option, int least, int most) => parsed.GetValue(option) switch
    {
        null => null,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most => number,
        var text => throw new ConfigurationException($"{option.Name} is '{text}'; expected a whole number from {least} to {most}"),
    };

    /// <summary>A duration; null if the option is not given.</summary>
    /// <exception cref="ConfigurationException">The value is not a duration, or out of bounds.</exception>
    public static TimeSpan? Time(this ParseResult parsed, Option<string?> option, TimeSpan least)
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return null;
        }

        if (!Duration.TryParse(text, out var time))
        {
            throw new ConfigurationException($"{option.Name} is '{text}'; expected {Duration.Expected}");
        }

        return time >= least && time <= SectionReader.MaxTime
            ? time
            : throw new ConfigurationException($"{option.Name} is '{text}'; expected {least.TotalMilliseconds} ms to {SectionReader.MaxTime.TotalDays} days");
    }
}
