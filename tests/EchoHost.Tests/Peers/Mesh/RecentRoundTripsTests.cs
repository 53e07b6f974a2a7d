using EchoHost.Peers.Mesh;

namespace EchoHost.Tests.Peers.Mesh;

public class RecentRoundTripsTests
{
    [Fact]
    public void Of_none_nothing_is_known() => Assert.Equal(new RoundTripSummary(null, null, null, null, null), new RecentRoundTrips().Summarize());

    [Fact]
    public void One_is_all_of_them() => Assert.Equal(new RoundTripSummary(1.234, 1.234, 1.234, 1.234, 1.234), Of([1.2344]).Summarize());

    [Theory]
    [InlineData(2, 1, 2, 2, 2)]
    [InlineData(10, 5, 9, 10, 10)]
    [InlineData(11, 6, 10, 11, 11)]
    [InlineData(16, 8, 15, 16, 16)]
    [InlineData(17, 9, 16, 17, 17)]
    [InlineData(100, 50, 90, 99, 100)]
    [InlineData(101, 51, 91, 100, 101)]
    [InlineData(1000, 500, 900, 990, 999)]
    [InlineData(1001, 501, 901, 991, 1000)]
    [InlineData(1024, 512, 922, 1014, 1023)]
    public void Percentiles_are_the_nearest_rank_in_whatever_order_they_came(int count, double p50, double p90, double p99, double p999)
    {
        var milliseconds = Enumerable.Range(1, count).Select(i => (double)i).ToArray();
        new Random(count).Shuffle(milliseconds);
        Assert.Equal(new RoundTripSummary(milliseconds[^1], p50, p90, p99, p999), Of(milliseconds).Summarize());
    }

    [Fact]
    public void Past_1024_the_oldest_make_room()
    {
        var roundTrips = Of(Enumerable.Range(1, RecentRoundTrips.Capacity).Select(i => (double)i));
        roundTrips.Add(TimeSpan.FromMilliseconds(5000));
        // 2 to 1024, and 5000.
        Assert.Equal(new RoundTripSummary(5000, 513, 923, 1015, 1024), roundTrips.Summarize());

        for (var i = 0; i < (3 * RecentRoundTrips.Capacity) - 1; i++)
        {
            roundTrips.Add(TimeSpan.FromMilliseconds(7));
        }

        Assert.Equal(new RoundTripSummary(7, 7, 7, 7, 7), roundTrips.Summarize());
        roundTrips.Add(TimeSpan.FromMilliseconds(8));
        Assert.Equal(new RoundTripSummary(8, 7, 7, 7, 7), roundTrips.Summarize());
        roundTrips.Add(TimeSpan.FromMilliseconds(9));
        Assert.Equal(new RoundTripSummary(9, 7, 7, 7, 8), roundTrips.Summarize());
    }

    private static RecentRoundTrips Of(IEnumerable<double> milliseconds)
    {
        var roundTrips = new RecentRoundTrips();
        foreach (var value in milliseconds)
        {
            roundTrips.Add(TimeSpan.FromMilliseconds(value));
        }

        return roundTrips;
    }
}
