using EchoHost.Peers;
using EchoHost.Peers.Hold;
using static EchoHost.Tests.Peers.Hold.Held;

namespace EchoHost.Tests.Peers.Hold;

public class IdleTimeoutTests
{
    [Fact]
    public void An_end_in_the_silence_is_exact()
    {
        // All longer silences end at about the same moment; the first counts.
        var found = Find(Survived(1), Survived(2), InSilence(10, ProbeResult.Closed, 3.004), InSilence(5, ProbeResult.Closed, 3.002));
        AssertFound(found, 2, 3.002, HoldOutcome.Closed, isExact: true);
    }

    [Fact]
    public void A_reset_in_the_silence_is_exact() =>
        AssertFound(Find(Survived(1), InSilence(5, ProbeResult.Reset, 3.002)), 1, 3.002, HoldOutcome.Reset, isExact: true);

    [Theory]
    [InlineData(ProbeResult.Timeout, HoldOutcome.Dropped)]
    [InlineData(ProbeResult.Reset, HoldOutcome.Reset)]
    [InlineData(ProbeResult.Closed, HoldOutcome.Closed)]
    internal void An_end_at_the_message_is_bracketed(ProbeResult result, HoldOutcome outcome)
    {
        var found = Find(Survived(10), AtMessage(120, result), Survived(30), AtMessage(60, result));
        AssertFound(found, 30, 60, outcome, isExact: false);
    }

    /// <summary>A peer that closes after each message has no idle timeout, though every silence ends.</summary>
    [Fact]
    public void An_end_right_after_the_message_is_no_idle_timeout()
    {
        Assert.Null(Find(InSilence(10, ProbeResult.Closed, 0.001), InSilence(30, ProbeResult.Reset, 0.049)));
        Assert.NotNull(Find(InSilence(10, ProbeResult.Closed, 0.001), InSilence(30, ProbeResult.Closed, 3)));
    }

    [Fact]
    public void If_no_silence_survives_there_is_no_lower_bound()
    {
        AssertFound(Find(AtMessage(10, ProbeResult.Timeout), AtMessage(30, ProbeResult.Timeout)), 0, 10, HoldOutcome.Dropped, isExact: false);
        AssertFound(Find(InSilence(10, ProbeResult.Closed, 3)), 0, 3, HoldOutcome.Closed, isExact: true);
    }

    /// <summary>The first end is what an idle connection meets, whichever way it was noticed.</summary>
    [Fact]
    public void The_earliest_end_counts_whatever_its_kind()
    {
        var dropped = Find(Survived(30), AtMessage(60, ProbeResult.Timeout), InSilence(600, ProbeResult.Closed, 350));
        AssertFound(dropped, 30, 60, HoldOutcome.Dropped, isExact: false);
        var closed = Find(Survived(30), AtMessage(60, ProbeResult.Timeout), InSilence(600, ProbeResult.Closed, 50));
        AssertFound(closed, 30, 50, HoldOutcome.Closed, isExact: true);
    }

    [Fact]
    public void A_longer_silence_that_survives_is_a_contradiction()
    {
        var bracketed = Find(Survived(10), AtMessage(30, ProbeResult.Timeout), Survived(60), Survived(120));
        AssertFound(bracketed, 10, 30, HoldOutcome.Dropped, isExact: false, 60, 120);
        // It was to be silent for longer than the one that survived, and ended earlier.
        var exact = Find(Survived(2), Survived(10), InSilence(60, ProbeResult.Closed, 3));
        AssertFound(exact, 2, 3, HoldOutcome.Closed, isExact: true, 10);
    }

    [Fact]
    public void A_moment_is_no_contradiction() =>
        AssertFound(Find(Survived(2), Survived(3), InSilence(5, ProbeResult.Closed, 2.999)), 2, 2.999, HoldOutcome.Closed, isExact: true);

    [Fact]
    public void Without_an_end_there_is_none()
    {
        Assert.Null(Find());
        Assert.Null(Find(Survived(10), Survived(30)));
    }

    [Fact]
    public void What_was_not_measured_says_nothing()
    {
        var refused = HoldResult.Failed(Seconds(20), new PeerException(ProbeResult.Refused, "refused"));
        var mismatch = InSilence(5, ProbeResult.Mismatch, 2);
        var silent = new HoldResult(Seconds(60), HoldOutcome.StillSilent, Seconds(45));
        Assert.Null(Find(refused, mismatch, silent));
        AssertFound(Find(refused, mismatch, silent, Survived(10), AtMessage(30, ProbeResult.Timeout)), 10, 30, HoldOutcome.Dropped, isExact: false);
    }

    private static IdleTimeout? Find(params HoldResult[] results) => IdleTimeout.Of(results);

    private static void AssertFound(
        IdleTimeout? found, double moreThan, double atMost, HoldOutcome endedBy, bool isExact, params double[] contradictions)
    {
        Assert.NotNull(found);
        Assert.Equal(
            (Seconds(moreThan), Seconds(atMost), endedBy, isExact),
            (found.MoreThan, found.AtMost, found.EndedBy, found.IsExact));
        Assert.Equal(contradictions.Select(Seconds), found.Contradictions);
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
