namespace EchoHost.Configuration;

/// <summary>
/// The configuration can't be used. Each problem is one line that names the key and the value; the host prints them on standard
/// error, without a stack trace, and exits with code 2.
/// </summary>
internal sealed class ConfigurationException(IReadOnlyList<string> problems) : Exception(string.Join(Environment.NewLine, problems))
{
    public ConfigurationException(string problem)
        : this([problem])
    {
    }

    public IReadOnlyList<string> Problems { get; } = problems;
}
