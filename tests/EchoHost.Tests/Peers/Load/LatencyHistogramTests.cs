using EchoHost.Peers.Load;

namespace EchoHost.Tests.Peers.Load;

public class LatencyHistogramTests
{
    private static readonly double[] Percents = [0.1, 1, 10, 25, 50, 75, 90, 99, 99.9, 99.99, 100];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 7)]
    [InlineData(3, 1_000)]
    [InlineData(4, 100_000)]
    public void Percentiles_are_within_one_percent_of_the_exact_ones(int seed, int count)
    {
        var random = new Random(seed);
        var histogram = new LatencyHistogram();
        // From 10 ns to 100 s, evenly over the decades.
        var times = Enumerable.Range(0, count).Select(_ => (long)Math.Pow(10, 1 + (random.NextDouble() * 10))).ToArray();
        Array.ForEach(times, histogram.Record);
        Array.Sort(times);
        foreach (var percent in Percents)
        {
            var exact = times[Math.Max(0, (int)Math.Ceiling(count * percent / 100) - 1)] / 1000.0;
            Assert.InRange(histogram.Percentile(percent), exact * 0.99, exact * 1.01);
        }

        Assert.Equal(count, histogram.Count);
        Assert.Equal(times[0] / 1000.0, histogram.Min);
        Assert.Equal(times[^1] / 1000.0, histogram.Max);
        Assert.Equal(times.Average() / 1000, histogram.Mean, tolerance: times.Average() / 1e9);
    }

    [Fact]
    public void What_recorded_nothing_is_0_everywhere()
    {
        var histogram = new LatencyHistogram();
        Assert.Equal((0, 0.0, 0.0, 0.0), (histogram.Count, histogram.Min, histogram.Max, histogram.Mean));
        Assert.Equal((0.0, 0.0), (histogram.Percentile(50), histogram.Percentile(100)));
        Assert.Equal(0, histogram.CountBetween(-1, double.MaxValue));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(129)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData((1L << 40) - 1)]
    [InlineData(1L << 40)]
    [InlineData(long.MaxValue)]
    public void A_single_time_is_every_percentile_exactly(long nanoseconds)
    {
        var histogram = new LatencyHistogram();
        histogram.Record(nanoseconds);
        Assert.All(Percents.Prepend(0), percent => Assert.Equal(nanoseconds / 1000.0, histogram.Percentile(percent)));
        Assert.Equal(nanoseconds / 1000.0, histogram.Mean);
        Assert.Equal(1, histogram.CountBetween(-1, double.MaxValue));
    }

    [Fact]
    public void A_time_below_nothing_is_nothing()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(-5);
        histogram.Record(TimeSpan.FromTicks(-1));
        Assert.Equal((2, 0.0, 0.0), (histogram.Count, histogram.Min, histogram.Max));
    }

    [Fact]
    public void A_time_span_is_recorded_to_its_tick()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.FromTicks(12_345));
        Assert.Equal(1234.5, histogram.Max);
    }

    /// <summary>Times around every boundary between buckets: each one falls into the bucket that contains it.</summary>
    [Fact]
    public void Every_power_of_two_has_its_bucket()
    {
        for (var power = 0; power < 63; power++)
        {
            foreach (var time in new[] { (1L << power) - 1, 1L << power, (1L << power) + 1 })
            {
                var histogram = new LatencyHistogram();
                histogram.Record(time);
                histogram.Record(long.MaxValue);
                Assert.InRange(histogram.Percentile(50), time / 1000.0, Math.Max(time * 1.008, time) / 1000.0);
            }
        }
    }

    [Fact]
    public void Counts_between_bounds_add_up_to_all()
    {
        var random = new Random(5);
        var histogram = new LatencyHistogram();
        for (var i = 0; i < 10_000; i++)
        {
            histogram.Record((long)Math.Pow(10, random.NextDouble() * 9));
        }

        double[] bounds = [-1, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
        Assert.Equal(10_000, bounds.Zip(bounds.Skip(1)).Sum(pair => histogram.CountBetween(pair.First, pair.Second)));
        Assert.InRange(histogram.CountBetween(-1, 1_000), 6_500, 6_850);
    }

    [Fact]
    public void Many_threads_record_at_once_and_nothing_is_lost()
    {
        const int each = 50_000;
        var histogram = new LatencyHistogram();
        Parallel.For(0, 4, worker =>
        {
            for (var i = 1; i <= each; i++)
            {
                histogram.Record((i * 4L) + worker);
            }
        });
        Assert.Equal(4 * each, histogram.Count);
        Assert.Equal((4 / 1000.0, ((each * 4) + 3) / 1000.0), (histogram.Min, histogram.Max));
        Assert.Equal(((4L * (each + 1) / 2.0) + 1.5) / 1000, histogram.Mean, tolerance: 1e-9);
        Assert.InRange(histogram.Percentile(50), each * 2 / 1000.0, each * 2 * 1.01 / 1000.0);
    }
}
