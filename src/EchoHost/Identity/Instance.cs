using EchoHost.Configuration;

namespace EchoHost.Identity;

/// <summary>The section <c>Instance</c>: which of several hosts this one is.</summary>
internal sealed record Instance
{
    public const string SectionName = "Instance";

    /// <summary>The label that the host sets itself.</summary>
    private const string VersionLabel = "version";

    /// <summary>Labels that have a meaning in Prometheus' text.</summary>
    private static readonly string[] Reserved = ["le", "quantile"];

    private const int MaxLabels = 32;
    private const int MaxKeyLength = 63;
    private const int MaxLength = 256;

    /// <summary>The host's name.</summary>
    /// <remarks>Default: the machine's name.</remarks>
    public string Name { get; init; } = Environment.MachineName;

    /// <summary>Where the host runs, such as <c>zone</c>, <c>node</c>, <c>pod</c>; sorted by key.</summary>
    /// <remarks>Default: none.</remarks>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    public static Instance Read(SectionReader section)
    {
        var name = section.Text(nameof(Name)) is { Length: > 0 } text ? text : Environment.MachineName;
        if (ProblemOf(name) is { } problem)
        {
            section.Report(nameof(Name), $"is '{name}'; {problem}");
        }

        return new Instance { Name = name, Labels = ReadLabels(section) };
    }

    private static SortedDictionary<string, string> ReadLabels(SectionReader section)
    {
        var labels = new SortedDictionary<string, string>(section.Texts(nameof(Labels)), StringComparer.Ordinal);
        foreach (var (key, value) in labels)
        {
            var problem = key.Equals(VersionLabel, StringComparison.OrdinalIgnoreCase) ? "the host sets this label itself; give it another name"
                : Reserved.Contains(key) || key.StartsWith("__", StringComparison.Ordinal) ? "Prometheus reserves this label; give it another name"
                : !IsKey(key) ? $"a label's key has 1 to {MaxKeyLength} letters, digits, '_', '-', '.' and '/', and begins with a letter or '_'"
                : labels.Keys.FirstOrDefault(other => IsSameInMetrics(other, key)) is { } same ? $"in metrics it would be the same label as {same}"
                : ProblemOf(value);
            if (problem is not null)
            {
                section.Report($"{nameof(Labels)}:{key}", $"is '{value}'; {problem}");
            }
        }

        if (labels.Count > MaxLabels)
        {
            section.Report(nameof(Labels), $"has {labels.Count} labels; expected at most {MaxLabels}");
        }

        return labels;
    }

    /// <summary>Whether an earlier label has the same name in Prometheus, where other characters become underscores.</summary>
    private static bool IsSameInMetrics(string earlier, string key) =>
        string.CompareOrdinal(earlier, key) < 0 && InMetrics(earlier).Equals(InMetrics(key), StringComparison.OrdinalIgnoreCase);

    private static string InMetrics(string key) => string.Concat(key.Select(character => char.IsAsciiLetterOrDigit(character) ? character : '_'));

    private static bool IsKey(string key) =>
        key.Length is > 0 and <= MaxKeyLength
        && (char.IsAsciiLetter(key[0]) || key[0] == '_')
        && key.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '.' or '/');

    /// <summary>Describes what is wrong with a value; null if nothing is.</summary>
    private static string? ProblemOf(string value) => value.Length > MaxLength ? $"expected at most {MaxLength} characters"
        : value.Any(char.IsControl) ? "expected text without control characters"
        : null;
}
