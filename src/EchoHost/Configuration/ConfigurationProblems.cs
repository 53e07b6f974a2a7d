namespace EchoHost.Configuration;

/// <summary>
/// Collects all problems of the configuration, so that the user sees them at once. Code that reads one value throws a
/// <see cref="ConfigurationException"/>; code that reads many collects them here.
/// </summary>
internal sealed class ConfigurationProblems
{
    private readonly List<string> _lines = [];

    /// <summary>The problems, one line each, with key and value.</summary>
    public IReadOnlyList<string> Lines => _lines;

    public void Add(string line) => _lines.Add(line);

    /// <summary>Returns the result of <paramref name="read"/>; if it throws, adds its problems here and returns null.</summary>
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

    /// <exception cref="ConfigurationException">
    /// There are problems. Only the first per key is reported, since later ones often follow from it.
    /// </exception>
    public void ThrowIfAny()
    {
        if (_lines.Count > 0)
        {
            throw new ConfigurationException([.. _lines.DistinctBy(line => line.Split(' ')[0])]);
        }
    }
}
