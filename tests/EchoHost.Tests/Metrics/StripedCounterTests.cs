using EchoHost.Metrics;

namespace EchoHost.Tests.Metrics;

public class StripedCounterTests
{
    [Fact]
    public void Nothing_is_lost_between_cores()
    {
        var counter = new StripedCounter();
        Parallel.For(0, 100_000, i => counter.Add(i));
        Assert.Equal(100_000L * 99_999 / 2, counter.Value);
    }
}
