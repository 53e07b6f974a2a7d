using EchoHost.Commands;
using EchoHost.Peers;
using EchoHost.Peers.Hold;
using EchoHost.Tests.Peers.Hold;

namespace EchoHost.Tests.Commands;

public class TextHoldReportTests
{
    [Fact]
    public void A_failure_may_hold_text_from_outside() => Assert.Equal(
        "  1 h  tls: the peer's certificate is for \\x1b[31m\\x0aCN=x",
        Line(HoldResult.Failed(TimeSpan.FromHours(1), new PeerException(ProbeResult.Tls, "the peer's certificate is for \u001b[31m\nCN=x"))));

    [Fact]
    public void What_is_still_silent_says_for_how_long() => Assert.Equal(
        "  1 h  still silent after 45.25 s",
        Line(new HoldResult(TimeSpan.FromHours(1), HoldOutcome.StillSilent, TimeSpan.FromSeconds(45.25))));

    [Fact]
    public void An_end_in_the_silence_says_when() =>
        Assert.Equal("  1 h  reset by the peer after 350.02 s", Line(Held.InSilence(3600, ProbeResult.Reset, 350.02)));

    [Fact]
    public void An_end_at_the_message_says_after_which_silence()
    {
        Assert.Equal("  1 h  closed by the peer at the message after 1 h of silence", Line(Held.AtMessage(3600, ProbeResult.Closed)));
        Assert.Equal("  1 h  dropped: no answer to the message after 1 h of silence within 5 s", Line(Held.AtMessage(3600, ProbeResult.Timeout)));
    }

    private static string Line(HoldResult result)
    {
        using var output = new StringWriter();
        var target = new PeerTarget("127.0.0.1", 5555, IsTls: false);
        new TextHoldReport(output, new HoldOptions(target, [result.Idle], IsParallel: true, TimeSpan.FromSeconds(5))).Known(result);
        return output.ToString().TrimEnd('\r', '\n');
    }
}
