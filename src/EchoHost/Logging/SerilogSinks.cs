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

    /// <summary>What Serilog says of its section in its own log, in one line and without all the methods that it did find.</summary>
    public static string Explain(string section, string complaint) => UnknownMethod().Match(complaint) is { Success: true } unknown
        ? $"{section} names '{unknown.Groups[1].Value}', which this program does not have, or not with these arguments; {Sinks}"
        : $"{section}: {complaint.Trim().ReplaceLineEndings(" ")}";

    [GeneratedRegex(@"Unable to find a method called (\S+?)[. ]")]
    private static partial Regex UnknownMethod();
}
