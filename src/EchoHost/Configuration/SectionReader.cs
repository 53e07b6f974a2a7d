using System.Globalization;

namespace EchoHost.Configuration;

/// <summary>
/// Reads a configuration section key by key, each with its type, bounds and default. An invalid value and an unknown key are
/// problems that name key and value: a typing error must not become a default. Uses no reflection, for the native file.
/// </summary>
internal sealed class SectionReader
{
    /// <summary>The maximum duration that can be configured.</summary>
    public static readonly TimeSpan MaxTime = TimeSpan.FromDays(24);

    private const string WholeNumber = "a whole number";

    private static readonly string[] SecretWords = ["Admin", "Certificate", "Password", "Token", "Secret"];

    private readonly IConfigurationSection _section;
    private readonly ConfigurationProblems _problems;
    private readonly List<string> _known = [];

    private SectionReader(IConfigurationSection section, ConfigurationProblems problems)
    {
        _section = section;
        _problems = problems;
    }

    /// <summary>
    /// Reads the section <paramref name="name"/> with <paramref name="read"/>; adds problems to <paramref name="problems"/>.
    /// </summary>
    public static T Read<T>(IConfiguration configuration, string name, Func<SectionReader, T> read, ConfigurationProblems problems) =>
        Read(configuration.GetSection(name), read, problems);

    /// <summary>A text; null if it is not set.</summary>
    public string? Text(string key) => Value(key, "text");

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public bool Flag(string key, bool fallback)
    {
        const string expected = "true or false";
        return Value(key, expected) is not { } text ? fallback
            : bool.TryParse(text, out var flag) ? flag
            : Refuse(key, text, expected, fallback);
    }

    /// <summary>A whole number within bounds.</summary>
    public int Number(string key, int fallback, int min = 0, int max = int.MaxValue) =>
        Value(key, WholeNumber) is { } text ? Number(key, text, min, max) ?? fallback : fallback;

    /// <summary>A whole number within bounds; null if it is not set or empty.</summary>
    public int? OptionalNumber(string key, int min = 0, int max = int.MaxValue) =>
        Value(key, WholeNumber) is { Length: > 0 } text ? Number(key, text, min, max) : null;

    /// <summary>A share from 0 to 1.</summary>
    public double Share(string key, double fallback)
    {
        const string expected = "a share from 0 to 1";
        return Value(key, expected) is not { Length: > 0 } text ? fallback
            : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share) && share <= 1 ? share
            : Refuse(key, text, expected, fallback);
    }

    /// <summary>A duration within bounds; null if it is not set or empty.</summary>
    public TimeSpan? OptionalTime(string key, TimeSpan min, TimeSpan? max = null)
    {
        if (Value(key, Duration.Expected) is not { Length: > 0 } text)
        {
            return null;
        }

        if (!Duration.TryParse(text, out var time))
        {
            return Refuse<TimeSpan?>(key, text, Duration.Expected, null);
        }

        var most = max ?? MaxTime;
        return time >= min && time <= most ? time : Refuse<TimeSpan?>(key, text, $"{Duration.Format(min)} to {Duration.Format(most)}", null);
    }

    /// <summary>A duration from <paramref name="min"/> to <see cref="MaxTime"/>.</summary>
    public TimeSpan Time(string key, TimeSpan fallback, TimeSpan min = default)
    {
        if (Value(key, Duration.Expected) is not { } text)
        {
            return fallback;
        }

        if (!Duration.TryParse(text, out var time))
        {
            return Refuse(key, text, Duration.Expected, fallback);
        }

        return time >= min && time <= MaxTime ? time : Refuse(key, text, $"{min} to {MaxTime}", fallback);
    }

    /// <summary>One of an enumeration's names, in any case.</summary>
    public T Choice<T>(string key, T fallback = default)
        where T : struct, Enum
    {
        var names = Enum.GetNames<T>();
        var expected = string.Join(", ", names);
        if (Value(key, expected) is not { } text)
        {
            return fallback;
        }

        // The framework's parser would accept numbers and lists too.
        var name = Array.Find(names, n => string.Equals(n, text, StringComparison.OrdinalIgnoreCase));
        return name is null ? Refuse(key, text, expected, fallback) : Enum.Parse<T>(name);
    }

    /// <summary>The texts of a list.</summary>
    public string[] List(string key) => [.. TextsBelow(key).Select(pair => pair.Value)];

    /// <summary>A list of networks.</summary>
    public NetworkSet Networks(string key) => _problems.Collect(() => NetworkSet.Parse(KeyOf(key), List(key))) ?? NetworkSet.Empty;

    /// <summary>The full key of a value in this section, for messages.</summary>
    public string KeyOf(string key) => $"{_section.Path}:{key}";

    /// <summary>Reports that the section as a whole can't be used.</summary>
    public void Report(string problem) => _problems.Add($"{_section.Path} {problem}");

    /// <summary>Reports that a value can't be used.</summary>
    /// <param name="key">Its key in this section.</param>
    /// <param name="problem">The text after the key: the value, unless it is a secret, and what is wrong with it.</param>
    public void Report(string key, string problem) => _problems.Add($"{KeyOf(key)} {problem}");

    /// <summary>Reads the texts below <paramref name="key"/>, whose names the user chooses.</summary>
    public Dictionary<string, string> Texts(string key) => new(TextsBelow(key));

    /// <summary>Reads a section below this one.</summary>
    public T Section<T>(string key, Func<SectionReader, T> read)
    {
        _known.Add(key);
        return Read(_section.GetSection(key), read, _problems);
    }

    /// <summary>Reads the sections below <paramref name="key"/>, whose names the user chooses.</summary>
    public Dictionary<string, T> Map<T>(string key, Func<SectionReader, T> read)
    {
        var map = new Dictionary<string, T>(StringComparer.OrdinalIgnoreCase);
        foreach (var child in Below(key))
        {
            map[child.Key] = Read(child, read, _problems);
        }

        return map;
    }

    private static T Read<T>(IConfigurationSection section, Func<SectionReader, T> read, ConfigurationProblems problems)
    {
        var reader = new SectionReader(section, problems);
        RefuseValue(section, problems);
        var options = read(reader);
        reader.RefuseUnknown();
        return options;
    }

    private IEnumerable<KeyValuePair<string, string>> TextsBelow(string key)
    {
        foreach (var child in Below(key))
        {
            if (Value(child, "text") is { } text)
            {
                yield return new(child.Key, text);
            }
        }
    }

    private IEnumerable<IConfigurationSection> Below(string key)
    {
        _known.Add(key);
        var section = _section.GetSection(key);
        RefuseValue(section, _problems);
        return section.GetChildren();
    }

    private string? Value(string key, string expected)
    {
        _known.Add(key);
        return Value(_section.GetSection(key), expected);
    }

    private string? Value(IConfigurationSection section, string expected)
    {
        if (!section.GetChildren().Any())
        {
            return section.Value;
        }

        _problems.Add($"{section.Path} holds keys of its own; expected {expected}");
        return null;
    }

    private int? Number(string key, string text, int min, int max)
    {
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return Refuse<int?>(key, text, WholeNumber, null);
        }

        var bounds = max == int.MaxValue ? $"{min} or more" : $"{min} to {max}";
        return number >= min && number <= max ? number : Refuse<int?>(key, text, bounds, null);
    }

    private T Refuse<T>(string key, string text, string expected, T fallback)
    {
        Report(key, $"is '{text}'; expected {expected}");
        return fallback;
    }

    private void RefuseUnknown()
    {
        foreach (var child in _section.GetChildren())
        {
            if (!_known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            {
                var known = _known.Count == 0 ? "" : $"; {_section.Path} has {string.Join(", ", _known)}";
                _problems.Add($"{child.Path} is not a key that this host knows{Shown(child)}{known}");
            }
        }
    }

    private static void RefuseValue(IConfigurationSection section, ConfigurationProblems problems)
    {
        // An empty JSON array or object arrives as an empty string.
        if (!string.IsNullOrEmpty(section.Value))
        {
            problems.Add($"{section.Path} holds a value{Shown(section)}; expected keys below it");
        }
    }

    /// <summary>
    /// The value to show. Hidden near secrets, because an unknown key there may be a misspelt password or token.
    /// </summary>
    private static string Shown(IConfigurationSection section) =>
        Array.Exists(SecretWords, word => section.Path.Contains(word, StringComparison.OrdinalIgnoreCase)) ? "" : $" (value '{section.Value}')";
}
