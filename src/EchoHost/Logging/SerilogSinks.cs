using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.RegularExpressions;
using EchoHost.Configuration;
using Serilog;
using Serilog.Core;
using Serilog.Formatting.Compact;

namespace EchoHost.Logging;

/// <summary>
/// The assemblies whose sinks, enrichers and formatters Serilog's section may name. They are the same in every build, and
/// EchoHost.csproj keeps them whole in a native file.
/// </summary>
internal static partial class SerilogSinks
{
    private const string Sinks = "its sinks are Async, Console, Debug and File";

    /// <summary>The keys that Serilog's reader knows; it ignores all others.</summary>
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

    /// <summary>
    /// Checks <c>Using</c>. Assemblies are not loaded by name; those in the program may be listed, but need not be.
    /// </summary>
    /// <exception cref="ConfigurationException">A listed assembly is not in the program.</exception>
    public static void CheckUsing(IConfigurationSection section)
    {
        var names = Assemblies.Select(assembly => assembly.GetName().Name!);
        if (section.GetChildren().FirstOrDefault(child => !names.Contains(child.Value, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            throw new ConfigurationException($"{unknown.Path} is '{unknown.Value}', which this program does not have; it has {string.Join(", ", names)}");
        }
    }

    /// <summary>
    /// Checks that Serilog knows every key and every method has each argument: a typing error must not become a default.
    /// </summary>
    /// <exception cref="ConfigurationException">A key or an argument is unknown.</exception>
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

    /// <summary>Checks the arguments of every method call in the section, at any depth: sinks may contain sinks.</summary>
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

    /// <summary>The parameters of the methods with this name, without the one that an extension method extends.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The project keeps these assemblies whole.")]
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "The project keeps these assemblies whole.")]
    private static IEnumerable<string> ParametersOf(string method) =>
        Assemblies.SelectMany(assembly => assembly.GetExportedTypes())
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(candidate => candidate.Name.Equals(method, StringComparison.OrdinalIgnoreCase) && candidate.ReturnType == typeof(LoggerConfiguration))
            .SelectMany(candidate => candidate.GetParameters().Skip(candidate.IsStatic ? 1 : 0).Select(parameter => parameter.Name!))
            .Distinct(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Turns Serilog's error about its section into one line, which names the key with the bad value if that can be
    /// determined.
    /// </summary>
    /// <param name="section">The section.</param>
    /// <param name="complaint">Serilog's message; from its SelfLog it has the time and a stack trace.</param>
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

    /// <summary>The key with the longest value that occurs in <paramref name="words"/>.</summary>
    private static string? KeyOf(IConfigurationSection section, string words) =>
        section.AsEnumerable()
            .Where(setting => setting.Value is { Length: > 1 } value && words.Contains(value, StringComparison.Ordinal))
            .MaxBy(setting => setting.Value!.Length).Key;

    [GeneratedRegex(@"Unable to find a method called (\S+?)[. ]")]
    private static partial Regex UnknownMethod();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\S+ |System\.RuntimeType: ")]
    private static partial Regex Stamp();
}
