using System.Diagnostics.CodeAnalysis;
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

    /// <summary>What Serilog's own reader looks for; it passes over all else.</summary>
    private static readonly string[] Keys =
        ["Using", "LevelSwitches", "FilterSwitches", "MinimumLevel", "WriteTo", "AuditTo", "Enrich", "Filter", "Destructure", "Properties"];

    private static readonly string[] LevelKeys = ["Default", "Override", "ControlledBy"];

    private static readonly string[] MethodKeys = ["Name", "Args"];

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

    /// <summary>A typing error must not become a default: every key is one that Serilog reads, and every argument one that its method has.</summary>
    /// <exception cref="ConfigurationException">One is not.</exception>
    public static void CheckKeys(IConfigurationSection section)
    {
        CheckKeys(section, Keys);
        CheckKeys(section.GetSection("MinimumLevel"), LevelKeys);
        CheckArguments(section);
    }

    private static void CheckKeys(IConfigurationSection section, string[] known)
    {
        if (section.GetChildren().FirstOrDefault(child => !known.Contains(child.Key, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            var value = unknown.Value is { } text ? $" (value '{text}')" : "";
            throw new ConfigurationException($"{unknown.Path} is not a key that Serilog knows{value}; {section.Path} has {string.Join(", ", known)}");
        }
    }

    /// <summary>Looks at every method that is called by name with arguments, at any depth: sinks have sinks of their own.</summary>
    private static void CheckArguments(IConfigurationSection section)
    {
        var arguments = section.GetSection("Args").GetChildren().ToArray();
        if (section["Name"] is { Length: > 0 } name)
        {
            if (section.GetSection("Args").Exists())
            {
                CheckKeys(section, MethodKeys);
            }

            string[] known = [.. ParametersOf(name)];
            if (known.Length > 0 && arguments.FirstOrDefault(argument => !known.Contains(argument.Key, StringComparer.OrdinalIgnoreCase)) is { } unknown)
            {
                throw new ConfigurationException($"{unknown.Path} is not an argument of {name}; it has {string.Join(", ", known)}");
            }
        }

        foreach (var child in section.GetChildren())
        {
            CheckArguments(child);
        }
    }

    /// <summary>What the extension methods of this name can be given, beside what they extend.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The project keeps these assemblies whole.")]
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "The project keeps these assemblies whole.")]
    private static IEnumerable<string> ParametersOf(string method) =>
        Assemblies.SelectMany(assembly => assembly.GetExportedTypes())
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(candidate => candidate.Name.Equals(method, StringComparison.OrdinalIgnoreCase) && candidate.ReturnType == typeof(LoggerConfiguration))
            .SelectMany(candidate => candidate.GetParameters().Skip(candidate.IsStatic ? 1 : 0).Select(parameter => parameter.Name!))
            .Distinct(StringComparer.OrdinalIgnoreCase);

    /// <summary>What Serilog says of its section, in one line that names the key whose value it speaks of, where that can be told.</summary>
    /// <param name="section">The section.</param>
    /// <param name="complaint">Serilog's own words, with the time and a stack trace where they are from its own log.</param>
    public static ConfigurationException Problem(IConfigurationSection section, string complaint)
    {
        var lines = complaint.Split('\n', StringSplitOptions.TrimEntries).TakeWhile(line => !line.StartsWith("at ", StringComparison.Ordinal));
        var words = string.Join(' ', lines);
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
        section.AsEnumerable()
            .Where(setting => setting.Value is { Length: > 1 } value && words.Contains(value, StringComparison.Ordinal))
            .MaxBy(setting => setting.Value!.Length).Key;

    [GeneratedRegex(@"Unable to find a method called (\S+?)[. ]")]
    private static partial Regex UnknownMethod();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\S+ |System\.RuntimeType: ")]
    private static partial Regex Stamp();
}
