using System.Reflection;
using System.Text.RegularExpressions;
using EchoHost.Configuration;
using Serilog;
using Serilog.Core;
using Serilog.Formatting.Compact;

namespace EchoHost.Logging;

/// <summary>
/// The assemblies in which Serilog's section finds what it names: sinks, enrichers, formatters. They are the same in
/// every build, and EchoHost.csproj keeps them whole in a native file.
/// </summary>
internal static partial class SerilogSinks
{
    private const string Sinks = "its sinks are Async, Console, Debug and File";

    public static Assembly[] Assemblies { get; } =
    [
        typeof(Logger).Assembly,
        typeof(ConsoleLoggerConfigurationExtensions).Assembly,
        typeof(FileLoggerConfigurationExtensions).Assembly,
        typeof(LoggerSinkConfigurationDebugExtensions).Assembly,
        typeof(LoggerConfigurationAsyncExtensions).Assembly,
        typeof(CompactJsonFormatter).Assembly,
    ];

    /// <summary>Assemblies are not loaded by name; those that the program has need not be named, but may.</summary>
    /// <exception cref="ConfigurationException">One is named that the program does not have.</exception>
    public static void CheckUsing(IConfigurationSection section)
    {
        var names = Assemblies.Select(assembly => assembly.GetName().Name!);
        if (section.GetChildren().FirstOrDefault(child => !names.Contains(child.Value, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            throw new ConfigurationException($"{unknown.Path} is '{unknown.Value}', which this program does not have; it has {string.Join(", ", names)}");
        }
    }

    /// <summary>What Serilog says of its section, in one line that names the key whose value it speaks of, where that can be told.</summary>
    /// <param name="section">The section.</param>
    /// <param name="complaint">Serilog's own words, with the time and a stack trace where they are from its own log.</param>
    public static ConfigurationException Problem(IConfigurationSection section, string complaint)
    {
        var words = string.Join(' ', complaint.Split('\n', StringSplitOptions.TrimEntries).TakeWhile(line => !line.StartsWith("at ", StringComparison.Ordinal)));
        words = Stamp().Replace(words, "").Trim();
        if (UnknownMethod().Match(words) is { Success: true } unknown)
        {
            var name = unknown.Groups[1].Value;
            return new($"{KeyOf(section, name) ?? section.Path} is '{name}', which this program does not have, or not with these arguments; {Sinks}");
        }

        return new(KeyOf(section, words) is { } key ? $"{key} is '{section[key[(section.Path.Length + 1)..]]}': {words}" : $"{section.Path}: {words}");
    }

    /// <summary>The key with the longest value that <paramref name="words"/> hold.</summary>
    private static string? KeyOf(IConfigurationSection section, string words) =>
        section.AsEnumerable().Where(setting => setting.Value is { Length: > 1 } value && words.Contains(value, StringComparison.Ordinal)).MaxBy(setting => setting.Value!.Length).Key;

    [GeneratedRegex(@"Unable to find a method called (\S+?)[. ]")]
    private static partial Regex UnknownMethod();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\S+ |System\.RuntimeType: ")]
    private static partial Regex Stamp();
}
