using EchoHost.Connections.Faults;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Connections.Faults;

public class EndpointFaultsTests
{
    private static readonly FaultOptions Slow = new() { Delay = TimeSpan.FromSeconds(1) };

    private readonly FakeTimeProvider _time = new();

    /// <summary>Three standard deviations of a binomial distribution with 2,000 tries: 58.</summary>
    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0.25, 442, 558)]
    [InlineData(1, 2000, 2000)]
    public void A_share_is_kept_and_a_share_of_nothing_is_nothing(double share, int least, int most)
    {
        // The seed makes the test the same each time.
        var faults = new EndpointFaults(Slow with { Share = share, Seed = 1 }, _time);
        Assert.InRange(Enumerable.Range(0, 2000).Count(_ => faults.Choose(null) is not null), least, most);
    }

    [Fact]
    public void A_seed_repeats_the_choices()
    {
        var options = Slow with { Share = 0.5, Seed = 42 };
        bool[] Choices()
        {
            var faults = new EndpointFaults(options, _time);
            return [.. Enumerable.Range(0, 100).Select(_ => faults.Choose(null) is not null)];
        }

        Assert.Equal(Choices(), Choices());
        var before = Choices();
        options = options with { Seed = 43 };
        Assert.NotEqual(before, Choices());
    }

    [Fact]
    public void What_is_set_ends_by_itself_and_the_configuration_holds_again()
    {
        var faults = new EndpointFaults(Slow, _time);
        Assert.Null(faults.Until);
        faults.Set(new FaultOptions { Silent = true }, TimeSpan.FromMinutes(5));
        Assert.True(faults.Choose(null)!.Value.Options.Silent);
        Assert.Equal(_time.GetUtcNow().AddMinutes(5), faults.Until);
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.False(faults.Choose(null)!.Value.Options.Silent);
        Assert.Null(faults.Until);
    }

    [Fact]
    public void What_is_cleared_is_gone_that_of_the_configuration_too()
    {
        var faults = new EndpointFaults(Slow, _time);
        Assert.False(faults.AreNone);
        faults.Clear();
        Assert.True(faults.AreNone);
        Assert.Null(faults.Choose(null));
        faults.Set(Slow, TimeSpan.FromMinutes(1));
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.NotNull(faults.Current);
    }
}
