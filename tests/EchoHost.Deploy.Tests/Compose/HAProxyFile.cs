using System.Text.RegularExpressions;

namespace EchoHost.Deploy.Tests.Compose;

/// <summary><c>deploy/compose/haproxy.cfg</c>.</summary>
internal static partial class HAProxyFile
{
    public static string Name => Path.Combine(ComposeFile.Folder, "haproxy.cfg");

    /// <summary>The variables in it, with the values that they have where the environment gives no other.</summary>
    public static Dictionary<string, string> Variables() =>
        Line().Matches(File.ReadAllText(Name)).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);

    [GeneratedRegex(@"^\s*presetenv (\w+) ""?([^""\s]+)""?$", RegexOptions.Multiline)]
    private static partial Regex Line();
}
