using EchoHost.Metrics;

namespace EchoHost.Tests.Metrics;

public class PrometheusNameTests
{
    [Theory]
    [InlineData("echohost.io.received", "By", "Counter", "echohost_io_received_bytes_total")]
    [InlineData("echohost.messages", "{message}", "Counter", "echohost_messages_total")]
    [InlineData("echohost.connection.duration", "s", "Histogram", "echohost_connection_duration_seconds")]
    [InlineData("echohost.connections.active", "{connection}", "Gauge", "echohost_connections_active")]
    [InlineData("process.cpu", "s", "Counter", "process_cpu_seconds_total")]
    [InlineData("already.seconds", "s", "Gauge", "already_seconds")]
    [InlineData("requests.total", "", "Counter", "requests_total")]
    [InlineData("share", "1", "Gauge", "share_ratio")]
    [InlineData("tries", "1", "Counter", "tries_total")]
    [InlineData("thread.count", "{thread}", "Gauge", "thread")]
    [InlineData("build", "", "Info", "build_info")]
    [InlineData("1st--thing", "ms", "Gauge", "_1st_thing_milliseconds")]
    public void Names_follow_OpenTelemetrys_mapping(string instrument, string unit, string kind, string sample) =>
        Assert.Equal(sample, PrometheusName.Of(instrument, unit, Enum.Parse<MetricKind>(kind)).Sample);

    [Theory]
    [InlineData("server.address", "server_address")]
    [InlineData("a:b", "a_b")]
    [InlineData("0x", "_0x")]
    public void Labels_are_letters_digits_and_underscores(string key, string label) => Assert.Equal(label, PrometheusName.Label(key));

    [Fact]
    public void Label_values_are_escaped() => Assert.Equal(@"a\\b\""c\nd", PrometheusText.EscapeLabel("a\\b\"c\nd"));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(12345678901234, "12345678901234")]
    [InlineData(0.1, "0.1")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(double.NaN, "NaN")]
    public void Numbers_read_back_the_same(double value, string text) => Assert.Equal(text, PrometheusText.Number(value));
}
