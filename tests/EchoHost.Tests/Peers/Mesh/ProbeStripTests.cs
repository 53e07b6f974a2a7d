using EchoHost.Peers.Mesh;

namespace EchoHost.Tests.Peers.Mesh;

public class ProbeStripTests
{
    private readonly ProbeStrip _strip = new();

    [Fact]
    public void An_empty_strip_has_no_columns()
    {
        var strip = _strip.DescribeSince(0);
        Assert.Equal(0, strip.First);
        Assert.Empty(strip.Columns);
    }

    [Fact]
    public void A_column_has_median_minimum_maximum_losses_and_probes()
    {
        Add(5, 1, null, 2, 9);
        Assert.Equal([3.5, 1, 9, 1, 5], Assert.Single(_strip.DescribeSince(0).Columns));
    }

    [Fact]
    public void The_last_column_may_be_incomplete()
    {
        Add(1, 1, 1, 1, 1, 3, 2, 8);
        var strip = _strip.DescribeSince(0);
        Assert.Equal([[1, 1, 1, 0, 5], [3, 2, 8, 0, 3]], strip.Columns);
    }

    [Fact]
    public void A_column_of_losses_has_no_times()
    {
        Add(null, null);
        Assert.Equal([null, null, null, 2, 2], Assert.Single(_strip.DescribeSince(0).Columns));
    }

    [Theory]
    [InlineData(0, 0, 3)]
    [InlineData(4, 0, 3)]
    [InlineData(5, 1, 2)]
    [InlineData(9, 1, 2)]
    [InlineData(12, 2, 1)]
    [InlineData(13, 2, 1)]
    public void Only_columns_with_unseen_probes_are_described(long seen, long first, int columns)
    {
        Add(Enumerable.Repeat<double?>(1, 13).ToArray());
        var strip = _strip.DescribeSince(seen);
        Assert.Equal((first, columns), (strip.First, strip.Columns.Count));
    }

    [Fact]
    public void A_complete_strip_that_was_seen_has_nothing_new()
    {
        Add(1, 1, 1, 1, 1);
        var strip = _strip.DescribeSince(5);
        Assert.Equal(1, strip.First);
        Assert.Empty(strip.Columns);
    }

    [Fact]
    public void The_oldest_columns_go_and_numbers_go_on()
    {
        for (var probe = 0; probe < (ProbeStrip.MaxColumns * ProbeStrip.ColumnProbes) + 7; probe++)
        {
            Add(probe);
        }

        var strip = _strip.DescribeSince(0);
        Assert.Equal(2, strip.First);
        Assert.Equal(ProbeStrip.MaxColumns, strip.Columns.Count);
        Assert.Equal([12, 10, 14, 0, 5], strip.Columns[0]);
        Assert.Equal([245.5, 245, 246, 0, 2], strip.Columns[^1]);
        // What was seen before the oldest column makes no difference.
        Assert.Equal(2, _strip.DescribeSince(3).First);
    }

    private void Add(params double?[] milliseconds)
    {
        foreach (var time in milliseconds)
        {
            _strip.Add(time is { } value ? TimeSpan.FromMilliseconds(value) : null);
        }
    }
}
