using EchoHost.Configuration;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.Configuration;

namespace EchoHost.Tests.Metrics;

/// <summary>OpenTelemetry's variables with values that the SDK would ignore.</summary>
public class OtlpSettingsTests
{
    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "HTTP")]
    [InlineData("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")]
    [InlineData("OTEL_EXPORTER_OTLP_TIMEOUT", "0")]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "-1")]
    [InlineData("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file")]
    [InlineData("OTEL_METRIC_EXPORT_INTERVAL", "60s")]
    [InlineData("OTEL_METRIC_EXPORT_INTERVAL", "0")]
    [InlineData("OTEL_METRIC_EXPORT_INTERVAL", "99999999999")]
    [InlineData("OTEL_METRIC_EXPORT_TIMEOUT", "1.5")]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "deltas")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES", "zone")]
    [InlineData("OTEL_SDK_DISABLED", "yes")]
    public void A_value_that_can_not_be_used_is_named(string key, string value) =>
        Assert.StartsWith(
            $"{key} is '{value}'; expected ",
            Assert.Single(Assert.Throws<ConfigurationException>(() => Check((key, value))).Problems),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "a=b,c=d")]
    [InlineData("OTEL_METRIC_EXPORT_INTERVAL", "200")]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES", "zone=a,node=b")]
    [InlineData("OTEL_SDK_DISABLED", "TRUE")]
    public void A_value_that_can_be_used_is_taken(string key, string value) => Check((key, value));

    [Fact]
    public void Headers_are_not_shown_since_they_may_hold_a_password() =>
        Assert.Equal(
            "OTEL_EXPORTER_OTLP_HEADERS can't be read (its value is not shown); expected NAME=VALUE pairs separated by commas",
            Assert.Single(Assert.Throws<ConfigurationException>(() => Check(("OTEL_EXPORTER_OTLP_HEADERS", "secret"))).Problems));

    [Fact]
    public async Task The_program_says_them_all_and_ends_with_2()
    {
        using var program = EchoHostProcess.Start(
            ["--urls=http://127.0.0.1:0"],
            ("PORT", "0"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "60s"));
        Assert.Equal(2, await program.WaitForExitAsync());
        Assert.Equal(
            [
                "EchoHost: OTEL_EXPORTER_OTLP_PROTOCOL is 'http/json'; expected grpc or http/protobuf",
                "EchoHost: OTEL_METRIC_EXPORT_INTERVAL is '60s'; expected a number of milliseconds, 1 or more",
            ],
            program.Errors);
        Assert.Empty(program.Output);
    }

    private static void Check(params (string Key, string Value)[] settings) =>
        OtlpSettings.Check(new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(s => s.Key, s => (string?)s.Value)).Build());
}
