using EchoHost.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Logging;

public sealed class LineRationTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<int> _told = [];

    [Fact]
    public void As_many_pass_in_a_second_as_may_and_the_others_are_told_at_its_end()
    {
        using var ration = new LineRation(3, _time, _told.Add);
        Assert.Equal(3, Take(ration, 10));
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal(0, Take(ration, 5));
        Assert.Empty(_told);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal([12], _told);
        Assert.Equal(3, Take(ration, 3));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal([12], _told);
    }

    [Fact]
    public void Within_the_limit_nothing_is_told()
    {
        using var ration = new LineRation(3, _time, _told.Add);
        for (var second = 0; second < 3; second++)
        {
            Assert.Equal(3, Take(ration, 3));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Empty(_told);
    }

    [Fact]
    public void None_may_pass_where_the_limit_is_zero()
    {
        using var ration = new LineRation(0, _time, _told.Add);
        Assert.Equal(0, Take(ration, 2));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([2], _told);
    }

    [Fact]
    public void In_the_end_what_is_left_is_told()
    {
        var ration = new LineRation(1, _time, _told.Add);
        Take(ration, 4);
        ration.Dispose();
        Assert.Equal([3], _told);
    }

    private static int Take(LineRation ration, int times) => Enumerable.Range(0, times).Count(_ => ration.TryTake());
}
