using EchoHost.Http;

namespace EchoHost.Fuzz.Targets;

/// <summary>
/// The header <c>Accept</c> of <c>/metrics</c>, one value per line of the input: only clients that name OpenMetrics get it,
/// and the order does not matter.
/// </summary>
internal static class AcceptTarget
{
    public static FuzzTarget Target { get; } = new(
        "accept", "OpenMetrics is answered only where it is named, whatever the order", Check, typeof(MetricsEndpoint), Seeds);

    private static void Check(byte[] input)
    {
        var lines = Inputs.Lines(input, 1);
        var answer = MetricsEndpoint.PrefersOpenMetrics(lines);
        var isNamed = lines.Any(line => line.Contains("application/openmetrics-text", StringComparison.OrdinalIgnoreCase));
        Property.Holds(!answer || isNamed, "OpenMetrics for a client that does not name it");
        Property.Holds(answer == MetricsEndpoint.PrefersOpenMetrics([.. lines.Reverse()]), "the answer depends on the order");
    }

    private static IEnumerable<byte[]> Seeds() => ((string[])
    [
        "*/*", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2",
        "application/openmetrics-text; version=\"1.0.0\"\ntext/*;q=0.3",
        "application/openmetrics-text;q=0",
        "text/html, */*;q=0.8\napplication/openmetrics-text;version=0.0.1",
    ]).Select(Inputs.Bytes);
}
