namespace EchoHost.Configuration;

/// <summary>
/// Collects what is wrong with the configuration, so that the user learns of everything at once. What reads a single value
/// throws a <see cref="ConfigurationException"/>; what reads many has each collected here.
/// </summary>
internal sealed class ConfigurationProblems
{
    private readonly List<string> _lines = [];

    /// <summary>One line a problem, which names key and value.</summary>
    public IReadOnlyList<string> Lines => _lines;

    public void Add(string line) => _lines.Add(line);

    /// <summary>What <paramref name="read"/> gives; where it throws, its problems are added here, and the answer is null.</summary>
    public T? Collect<T>(Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (ConfigurationException e)
        {
            _lines.AddRange(e.Problems);
            return null;
        }
    }

    /// <exception cref="ConfigurationException">There are problems: the first of each key, since a second one often follows from it.</exception>
    public void ThrowIfAny()
    {
        if (_lines.Count > 0)
        {
            throw new ConfigurationException([.. _lines.DistinctBy(line => line.Split(' ')[0])]);
        }
    }
}
