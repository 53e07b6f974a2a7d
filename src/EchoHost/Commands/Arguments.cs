using System.CommandLine;
using System.Globalization;
using EchoHost.Configuration;

namespace EchoHost.Commands;

/// <summary>Reads options; any mistake is one line that names the option and the value.</summary>
internal static class Arguments
{
    /// <summary>A whole number; null where the option is not given.</summary>
    /// <exception cref="ConfigurationException">It is none, or not within the bounds.</exception>
    public static int? Number(this ParseResult parsed, Option<string?> option, int least, int most) => parsed.GetValue(option) switch
    {
        null => null,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most => number,
        var text => throw new ConfigurationException($"{option.Name} is '{text}'; expected a whole number from {least} to {most}"),
    };

    /// <summary>A time; null where the option is not given.</summary>
    /// <exception cref="ConfigurationException">It is none, or too short or long.</exception>
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
