using System.Text.RegularExpressions;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Deploy.Tests.Watching;

/// <summary>The rules of deploy/prometheus, and their unit tests.</summary>
internal static partial class RuleFiles
{
    public static string Folder => Repository.File("deploy/prometheus/rules");

    public static IReadOnlyList<string> Rules => [.. Directory.EnumerateFiles(Folder, "*.yml").Order()];

    public static IReadOnlyList<string> Tests => [.. Directory.EnumerateFiles(Repository.File("deploy/prometheus/tests"), "*.yml").Order()];

    /// <summary>Each alert's name with the text of its rule.</summary>
    public static IReadOnlyList<(string Name, string Text)> Alerts =>
    [
        .. from file in Rules
           from rule in Beginning().Split(File.ReadAllText(file)).Skip(1)
           where rule.StartsWith("alert: ", StringComparison.Ordinal)
           select (rule[7..rule.IndexOf('\n', StringComparison.Ordinal)], rule),
    ];

    [GeneratedRegex("^ +- (?=alert:|record:)", RegexOptions.Multiline)]
    private static partial Regex Beginning();
}
