using System.Text.RegularExpressions;

namespace EchoHost.Deploy.Tests.Watching;

/// <summary>What /metrics says of its series, to judge expressions with.</summary>
internal sealed partial class SeriesTypes(string metrics)
{
    private readonly Dictionary<string, string> _types = Declared(metrics);

    /// <summary>What is wrong in an expression: a series that does not exist, a counter without rate, a gauge with it.</summary>
    public IEnumerable<string> FaultsOf(string expression)
    {
        foreach (Match use in Series().Matches(expression))
        {
            var name = use.Groups["name"].Value;
            var isRate = Rate().IsMatch(expression[..use.Index]);
            if (!_types.TryGetValue(name, out var type))
            {
                yield return $"{name} does not exist";
            }
            else if (type == "counter" && !isRate)
            {
                yield return $"{name} is a counter: it needs rate() or increase()";
            }
            else if (type == "gauge" && isRate)
            {
                yield return $"{name} is a gauge: rate() and increase() are for counters";
            }
        }
    }

    private static Dictionary<string, string> Declared(string metrics)
    {
        var types = new Dictionary<string, string>();
        foreach (Match line in Type().Matches(metrics))
        {
            var (name, type) = (line.Groups[1].Value, line.Groups[2].Value);
            if (type == "histogram")
            {
                (types[$"{name}_bucket"], types[$"{name}_sum"], types[$"{name}_count"]) = ("counter", "counter", "counter");
            }
            else
            {
                types[name] = type;
            }
        }

        return types;
    }

    [GeneratedRegex(@"^# TYPE (\w+) (\w+)$", RegexOptions.Multiline)]
    private static partial Regex Type();

    /// <summary>What the host itself exposes; a recording's name has a colon.</summary>
    [GeneratedRegex(@"(?<![\w:])(?<name>(?:echohost|process|dotnet|kestrel)_\w+)(?![\w:])")]
    private static partial Regex Series();

    [GeneratedRegex(@"\b(?:rate|irate|increase|resets)\($")]
    private static partial Regex Rate();
}
