namespace EchoHost.Deploy.Tests.Watching;

/// <summary>The check of expressions finds the faults that other projects' dashboards have.</summary>
public sealed class SeriesTypesTests
{
    private const string Metrics = """
        # TYPE echohost_messages_total counter
        echohost_messages_total{endpoint="Tcp"} 1
        # TYPE echohost_peer_up gauge
        echohost_peer_up{peer="a:5555"} 1
        # TYPE echohost_peer_rtt_seconds histogram

        """;

    [Theory]
    [InlineData("sum(rate(echohost_messages_total{job=~\"a\"}[5m]))", null)]
    [InlineData("sum(echohost_messages_total)", "echohost_messages_total is a counter: it needs rate() or increase()")]
    [InlineData("echohost_peer_up == 0", null)]
    [InlineData("increase(echohost_peer_up[5m])", "echohost_peer_up is a gauge: rate() and increase() are for counters")]
    [InlineData("histogram_quantile(0.9, sum by (le) (rate(echohost_peer_rtt_seconds_bucket[5m])))", null)]
    [InlineData("echohost_peer_rtt_seconds_count", "echohost_peer_rtt_seconds_count is a counter: it needs rate() or increase()")]
    [InlineData("rate(echohost_message_total[5m])", "echohost_message_total does not exist")]
    [InlineData("instance_peer:echohost_peer_up:max1m == 0", null)]
    public void It_finds_what_is_wrong(string expression, string? fault) =>
        Assert.Equal(fault is null ? [] : [fault], new SeriesTypes(Metrics).FaultsOf(expression));
}
