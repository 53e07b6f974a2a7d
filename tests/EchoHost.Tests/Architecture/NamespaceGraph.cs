using System.Text.RegularExpressions;

namespace EchoHost.Tests.Architecture;

/// <summary>The dependencies between namespaces, from <c>using</c> lines and from fully qualified names.</summary>
internal sealed partial class NamespaceGraph
{
    private readonly SortedDictionary<string, SortedSet<string>> _uses = new(StringComparer.Ordinal);

    public IEnumerable<string> Namespaces => _uses.Keys;

    /// <param name="files">The text of C# files, each with a file-scoped namespace.</param>
    public static NamespaceGraph Read(IEnumerable<string> files)
    {
        var graph = new NamespaceGraph();
        var sources = files.Select(text => Comment().Replace(text, ""))
            .Select(text => (Text: text, Name: Declaration().Match(text)))
            .Where(source => source.Name.Success)
            .Select(source => (source.Text, Name: source.Name.Groups[1].Value))
            .ToList();
        foreach (var (_, name) in sources)
        {
            graph._uses.TryAdd(name, new SortedSet<string>(StringComparer.Ordinal));
        }

        foreach (var (text, name) in sources)
        {
            var around = graph._uses.Keys.Where(other => name.StartsWith($"{other}.", StringComparison.Ordinal));
            graph._uses[name].UnionWith(graph.NamedIn(text).Concat(around).Where(other => other != name));
        }

        return graph;
    }

    public IReadOnlySet<string> Uses(string name) => _uses[name];

    /// <summary>
    /// The cycles, as <c>A → B → A</c>, each starting at its first namespace by name; one for each set of namespaces.
    /// </summary>
    public IReadOnlyList<string> Circles()
    {
        List<string> circles = [];
        HashSet<string> done = [];
        foreach (var name in _uses.Keys)
        {
            if (!done.Contains(name) && WayBack(name, name, [], []) is { } way)
            {
                done.UnionWith(way);
                circles.Add(string.Join(" → ", way.Append(name)));
            }
        }

        return circles;
    }

    /// <summary>The namespaces from <paramref name="at"/> back to <paramref name="start"/>; null if there is no path.</summary>
    private List<string>? WayBack(string start, string at, List<string> way, HashSet<string> seen)
    {
        List<string> further = [.. way, at];
        foreach (var next in _uses[at])
        {
            if (next == start)
            {
                return further;
            }

            if (seen.Add(next) && WayBack(start, next, further, seen) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>
    /// The namespaces that a file names, in a <c>using</c> or before a type: for each dotted name, the longest that exists.
    /// </summary>
    private IEnumerable<string> NamedIn(string text) =>
        DottedName().Matches(text).Select(match => match.Value).Distinct(StringComparer.Ordinal).Select(Longest).OfType<string>();

    private string? Longest(string name)
    {
        for (var end = name.Length; end > 0; end = name.LastIndexOf('.', end - 1))
        {
            if (_uses.ContainsKey(name[..end]))
            {
                return name[..end];
            }
        }

        return null;
    }

    [GeneratedRegex(@"(?<![\w.])[A-Z]\w*(?:\.[A-Z]\w*)*")]
    private static partial Regex DottedName();

    [GeneratedRegex("""//.*|/\*[\s\S]*?\*/""")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\bnamespace ([\w.]+)\s*[;{]")]
    private static partial Regex Declaration();
}
