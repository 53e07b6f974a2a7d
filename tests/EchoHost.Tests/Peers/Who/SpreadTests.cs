using EchoHost.Peers.Who;

namespace EchoHost.Tests.Peers.Who;

public class SpreadTests
{
    [Theory]
    [InlineData(false, 100)]
    [InlineData(false, 100, 100)]
    [InlineData(false, 60, 40)]
    [InlineData(false, 216, 184)]
    [InlineData(true, 100, 300)]
    [InlineData(true, 67, 33)]
    [InlineData(false, 100, 110, 90, 100)]
    [InlineData(true, 100, 100, 100, 150)]
    [InlineData(null, 4, 5)]
    [InlineData(null, 1, 1, 1)]
    public void A_difference_is_more_than_chance_if_chance_makes_it_less_than_once_in_1000_times(bool? isUneven, params int[] counts) =>
        Assert.Equal(isUneven, Of(counts).IsUneven);

    /// <summary>The critical values of the chi-squared distribution at 0.999, from its tables: 10.83, 13.82, 16.27, 29.59, 149.4.</summary>
    [Theory]
    [InlineData(2, 10.83)]
    [InlineData(3, 13.82)]
    [InlineData(4, 16.27)]
    [InlineData(11, 29.59)]
    [InlineData(101, 149.45)]
    public void The_border_is_that_of_the_tables(int instances, double critical)
    {
        Assert.False(Of(WithStatistic(instances, critical * 0.97)).IsUneven);
        Assert.True(Of(WithStatistic(instances, critical * 1.035)).IsUneven);
    }

    [Fact]
    public void Shares_are_those_of_the_answers()
    {
        var spread = Of(100, 300);
        Assert.Equal([0.25, 0.75], spread.Instances.Select(spread.ShareOf));
        Assert.Equal((400L, 0.5), (spread.Connections, spread.EvenShare));
    }

    [Fact]
    public void Percentiles_are_by_nearest_rank()
    {
        var times = Percentiles.Of(Enumerable.Range(1, 200).Reverse().Select(i => TimeSpan.FromMilliseconds(i)));
        Assert.Equal((100d, 198d), (times.P50.TotalMilliseconds, times.P99.TotalMilliseconds));
        Assert.Equal(new Percentiles(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)), Percentiles.Of([TimeSpan.FromSeconds(1)]));
    }

    /// <summary>Counts whose chi-squared statistic is about <paramref name="statistic"/>: one instance above the rest.</summary>
    private static int[] WithStatistic(int instances, double statistic)
    {
        // With n connections each, d more on the first and d / (k - 1) less on the others: d² / n × k / (k - 1).
        const int n = 10_000_000;
        var more = (int)Math.Sqrt(statistic * n * (instances - 1) / instances);
        var less = more / (instances - 1);
        return [n + (less * (instances - 1)), .. Enumerable.Repeat(n - less, instances - 1)];
    }

    private static Spread Of(params int[] counts)
    {
        var none = new Percentiles(TimeSpan.Zero, TimeSpan.Zero);
        return new Spread([.. counts.Select((count, i) => new InstanceShare($"echo-{i}", count, none, none))], Others: 0, 1, 1);
    }
}
