namespace EchoHost.Configuration;

/// <summary>
/// Keys that belong to the host's public contract but that this release can't honour. Setting one is an error rather
/// than silence; a value that describes what the host does anyway (such as <c>Off</c>) is accepted.
/// </summary>
internal static class NotYetSupported
{
    /// <summary>The key, <c>*</c> standing for any name, and the values that change nothing.</summary>
    private static readonly (string Key, string[] Accepted)[] Keys =
    [
        ("Peers:Targets", []),
        ("Peers:Dns", []),
        ("Peers:Interval", ["00:00:10"]),
        ("Peers:Timeout", ["00:00:05"]),
        ("Peers:PayloadBytes", ["64"]),
    ];

    public static void Check(IConfiguration configuration, List<string> problems)
    {
        foreach (var (key, accepted) in Keys)
        {
            foreach (var section in Find(configuration, key.Split(':')))
            {
                foreach (var (path, value) in Values(section))
                {
                    if (!accepted.Contains(value, StringComparer.OrdinalIgnoreCase))
                    {
                        problems.Add($"{path} is '{value}', which is not yet supported");
                    }
                }
            }
        }
    }

    private static IEnumerable<IConfigurationSection> Find(IConfiguration configuration, ReadOnlySpan<string> path)
    {
        IEnumerable<IConfigurationSection> found = path[0] == "*" ? configuration.GetChildren() : [configuration.GetSection(path[0])];
        if (path.Length == 1)
        {
            return found;
        }

        var rest = path[1..].ToArray();
        return found.SelectMany(section => Find(section, rest));
    }

    private static IEnumerable<(string Path, string Value)> Values(IConfigurationSection section) =>
        section.AsEnumerable().Where(pair => !string.IsNullOrEmpty(pair.Value)).Select(pair => (pair.Key, pair.Value!));
}
