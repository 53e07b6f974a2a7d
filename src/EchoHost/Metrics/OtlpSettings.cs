using System.Globalization;
using EchoHost.Configuration;

namespace EchoHost.Metrics;

/// <summary>
/// Checks OpenTelemetry's own variables at start. The SDK ignores a value that it can't use, and would then push in another
/// way, or at another time, than configured. (OpenTelemetry's "Environment Variable Specification" and "Protocol
/// Exporter".)
/// </summary>
internal static class OtlpSettings
{
    private const string Exporter = "OTEL_EXPORTER_OTLP_";
    private const string MetricsExporter = $"{Exporter}METRICS_";

    /// <summary>Checks the variables that the host uses.</summary>
    /// <exception cref="ConfigurationException">A value can't be used; one line per problem, with key and value.</exception>
    public static void Check(IConfiguration configuration)
    {
        List<string> problems = [];

        void Expect(string key, Func<string, bool> isUsable, string expected, bool isSecret = false)
        {
            if (configuration[key] is { Length: > 0 } value && !isUsable(value))
            {
                problems.Add(isSecret ? $"{key} can't be read (its value is not shown); expected {expected}" : $"{key} is '{value}'; expected {expected}");
            }
        }

        foreach (var prefix in new[] { Exporter, MetricsExporter })
        {
            Expect($"{prefix}PROTOCOL", value => value is "grpc" or "http/protobuf", "grpc or http/protobuf");
            Expect($"{prefix}TIMEOUT", IsMilliseconds, "a number of milliseconds, 1 or more");
            // Headers may hold a password.
            Expect($"{prefix}HEADERS", IsPairs, "NAME=VALUE pairs separated by commas", isSecret: true);
            Expect($"{prefix}CERTIFICATE", File.Exists, "a file that exists");
            Expect($"{prefix}CLIENT_CERTIFICATE", File.Exists, "a file that exists");
            Expect($"{prefix}CLIENT_KEY", File.Exists, "a file that exists");
        }

        Expect($"{MetricsExporter}TEMPORALITY_PREFERENCE", value => IsOneOf(value, "cumulative", "delta", "lowmemory"), "cumulative, delta or lowmemory");
        Expect("OTEL_METRIC_EXPORT_INTERVAL", IsMilliseconds, "a number of milliseconds, 1 or more");
        Expect("OTEL_METRIC_EXPORT_TIMEOUT", IsMilliseconds, "a number of milliseconds, 1 or more");
        Expect("OTEL_RESOURCE_ATTRIBUTES", IsPairs, "NAME=VALUE pairs separated by commas");
        Expect("OTEL_SDK_DISABLED", value => IsOneOf(value, "true", "false"), "true or false");
        if (problems.Count > 0)
        {
            throw new ConfigurationException(problems);
        }
    }

    private static bool IsMilliseconds(string value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0;

    private static bool IsOneOf(string value, params string[] values) => values.Contains(value, StringComparer.OrdinalIgnoreCase);

    private static bool IsPairs(string value) => value.Split(',').All(pair => pair.IndexOf('=', StringComparison.Ordinal) > 0);
}
