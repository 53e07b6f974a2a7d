using EchoHost.Commands;
using EchoHost.Peers;
using EchoHost.Peers.Hold;
using static EchoHost.Tests.Peers.Hold.Held;

namespace EchoHost.Tests.Commands;

public class HoldConclusionTests
{
    private const string OnPurpose = "The peer, or something on the path, closes silent connections. If it is the peer, or a proxy ";
    private const string Forgotten = "Something on the path dropped its state of the connection, without FIN or RST: a firewall, ";

    [Theory]
    [InlineData(ProbeResult.Closed, "a silent connection is closed (FIN)")]
    [InlineData(ProbeResult.Reset, "a silent connection is reset (RST)")]
    internal void An_exact_end_is_told_with_what_counts(ProbeResult result, string ending)
    {
        var lines = Of(Survived(1), InSilence(5, result, 3.002));
        Assert.Equal(3, lines.Length);
        Assert.Equal($"The idle timeout is about 3.0 s: {ending}.", lines[0]);
        Assert.StartsWith(OnPurpose, lines[1], StringComparison.Ordinal);
        Assert.EndsWith("TCP keep-alives do not count there, only messages of the application.", lines[1], StringComparison.Ordinal);
        Assert.Equal("To keep a connection open, send a message at least every 1.5 s.", lines[2]);
    }

    [Theory]
    [InlineData(ProbeResult.Timeout, "the connection is dropped silently, and the next message is not answered")]
    [InlineData(ProbeResult.Reset, "the next message is answered with a reset (RST)")]
    internal void A_bracketed_end_is_told_with_keep_alives(ProbeResult result, string ending)
    {
        var lines = Of(Survived(30), AtMessage(60, result));
        Assert.Equal(3, lines.Length);
        Assert.Equal($"The idle timeout is more than 30 s, at most 1 min: {ending}.", lines[0]);
        Assert.StartsWith(Forgotten, lines[1], StringComparison.Ordinal);
        Assert.Contains("(Linux's default, 2 h, is too long: net.ipv4.tcp_keepalive_time)", lines[1], StringComparison.Ordinal);
        Assert.Equal("To keep a connection open, send a message or a keep-alive at least every 15 s.", lines[2]);
    }

    [Fact]
    public void An_end_right_after_the_message_gives_no_advice() => Assert.Equal(
        ["The peer ends a connection right after its first message: that is no idle timeout."], Of(InSilence(10, ProbeResult.Closed, 0.002)));

    [Fact]
    public void What_sends_FIN_has_not_forgotten_the_connection()
    {
        var lines = Of(Survived(30), AtMessage(60, ProbeResult.Closed));
        Assert.Equal("The idle timeout is more than 30 s, at most 1 min: the next message is answered with a close (FIN).", lines[0]);
        Assert.StartsWith("The peer, or a proxy on the path, closes the connection when it hears from it again", lines[1], StringComparison.Ordinal);
        Assert.Equal("To keep a connection open, send a message at least every 15 s.", lines[2]);
    }

    [Fact]
    public void Keep_alives_of_two_hours_may_be_soon_enough() =>
        Assert.Contains("(Linux's default, 2 h: net.ipv4", Of(Survived(9_000), AtMessage(18_000, ProbeResult.Timeout))[1], StringComparison.Ordinal);

    [Fact]
    public void Without_a_lower_bound_shorter_times_are_asked_for()
    {
        var lines = Of(AtMessage(10, ProbeResult.Timeout));
        Assert.StartsWith("The idle timeout is at most 10 s: ", lines[0], StringComparison.Ordinal);
        Assert.Equal("How often to send is not known, since no silence survived: try shorter ones (--idle).", lines[2]);
    }

    [Theory]
    [InlineData(350.02, "2 min 50 s")]
    [InlineData(60.01, "30 s")]
    [InlineData(3600, "30 min")]
    [InlineData(0.3, "150 ms")]
    [InlineData(0.06, "30 ms")]
    public void Half_of_the_time_is_safe(double seconds, string text) =>
        Assert.Equal($"To keep a connection open, send a message at least every {text}.", Of(InSilence(9_999, ProbeResult.Closed, seconds))[2]);

    [Fact]
    public void Results_that_contradict_are_named() => Assert.Equal(
        "The results contradict each other: 2 min, 5 min survived. Not every connection meets the same timeout.",
        Of(Survived(30), AtMessage(60, ProbeResult.Timeout), Survived(120), Survived(300))[3]);

    [Fact]
    public void Where_all_survived_the_longest_is_the_bound() =>
        Assert.Equal("No idle timeout was found: it is more than 10 min, the longest time that was measured.", Assert.Single(Of(Survived(600), Survived(10))));

    [Fact]
    public void An_interrupted_test_says_what_is_known_so_far()
    {
        var silent = new HoldResult(TimeSpan.FromSeconds(60), HoldOutcome.StillSilent, TimeSpan.FromSeconds(45));
        Assert.Equal("No idle timeout was found so far: it is more than 10 s.", Assert.Single(Of(isInterrupted: true, Survived(10), silent)));
        Assert.Equal("Nothing is known of an idle timeout: no silence was measured to its end.", Assert.Single(Of(isInterrupted: true, silent)));
    }

    [Fact]
    public void Times_that_were_left_out_are_named()
    {
        var summary = new HoldSummary([InSilence(5, ProbeResult.Closed, 3)], [TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1)], IsInterrupted: false);
        Assert.Equal("Not tried, since a longer silence would not survive either: 10 s, 1 min.", HoldConclusion.Of(summary).Last());
    }

    private static string[] Of(params HoldResult[] results) => Of(isInterrupted: false, results);

    private static string[] Of(bool isInterrupted, params HoldResult[] results) => [.. HoldConclusion.Of(new HoldSummary(results, [], isInterrupted))];
}
