using EchoHost.Peers.Hold;
using EchoHost.Text;

namespace EchoHost.Commands;

/// <summary>What the results of a test of idle connections mean, in words.</summary>
internal static class HoldConclusion
{
    private const string ClosedOnPurpose =
        "The peer, or something on the path, closes silent connections. If it is the peer, or a proxy that terminates TCP (HAProxy, nginx, an ALB), "
        + "TCP keep-alives do not count there, only messages of the application.";

    private const string ClosedAtMessage =
        "The peer, or a proxy on the path, closes the connection when it hears from it again: what forgets a connection sends no FIN. "
        + "TCP keep-alives do not count there, only messages of the application.";

    /// <summary>Linux's time of silence before the first TCP keep-alive.</summary>
    private static readonly TimeSpan DefaultKeepAlive = TimeSpan.FromHours(2);

    /// <summary>The idle timeout, how it ends connections, and how to keep them alive; a few lines.</summary>
    public static IEnumerable<string> Of(HoldSummary summary)
    {
        if (summary.IdleTimeout is { } found)
        {
            yield return $"The idle timeout is {Bounds(found)}: {Ending(found)}.";
            yield return found.IsExact ? ClosedOnPurpose : found.EndedBy == HoldOutcome.Closed ? ClosedAtMessage : Forgotten(found.AtMost);
            yield return Advice(found);
            if (found.Contradictions.Count > 0)
            {
                yield return $"The results contradict each other: {List(found.Contradictions)} survived. Not every connection meets the same timeout.";
            }
        }
        else if (summary.EndsAtOnce)
        {
            yield return "The peer ends a connection right after its first message: that is no idle timeout.";
        }
        else if (summary.LongestSurvived is { } longest)
        {
            yield return $"No idle timeout was found{(summary.IsInterrupted ? " so far" : "")}: it is more than {TimeText.Exact(longest)}"
                + $"{(summary.IsInterrupted ? "" : ", the longest time that was measured")}.";
        }
        else
        {
            yield return "Nothing is known of an idle timeout: no silence was measured to its end.";
        }

        if (summary.NotTried.Count > 0 && !summary.IsInterrupted)
        {
            yield return $"Not tried, since a longer silence would not survive either: {List(summary.NotTried)}.";
        }
    }

    private static string Forgotten(TimeSpan atMost)
    {
        var isTooLong = atMost <= DefaultKeepAlive ? ", is too long" : "";
        return "Something on the path dropped its state of the connection, without FIN or RST: a firewall, a NAT, a balancer such as the AWS NLB. "
            + "Messages of the application prevent that, "
            + $"and TCP keep-alives if they are turned on and frequent enough (Linux's default, 2 h{isTooLong}: net.ipv4.tcp_keepalive_time).";
    }

    private static string Bounds(IdleTimeout found) =>
        found.IsExact ? $"about {TimeText.About(found.AtMost)}"
        : found.MoreThan > TimeSpan.Zero ? $"more than {TimeText.Exact(found.MoreThan)}, at most {TimeText.Exact(found.AtMost)}"
        : $"at most {TimeText.Exact(found.AtMost)}";

    private static string Ending(IdleTimeout found) => (found.EndedBy, found.IsExact) switch
    {
        (HoldOutcome.Closed, true) => "a silent connection is closed (FIN)",
        (HoldOutcome.Reset, true) => "a silent connection is reset (RST)",
        (HoldOutcome.Closed, false) => "the next message is answered with a close (FIN)",
        (HoldOutcome.Reset, false) => "the next message is answered with a reset (RST)",
        _ => "the connection is dropped silently, and the next message is not answered",
    };

    private static string Advice(IdleTimeout found)
    {
        var safe = found.IsExact ? found.AtMost : found.MoreThan;
        var what = found.IsExact || found.EndedBy == HoldOutcome.Closed ? "a message" : "a message or a keep-alive";
        return safe > TimeSpan.Zero
            ? $"To keep a connection open, send {what} at least every {TimeText.Exact(HalfOf(safe))}."
            : "How often to send is not known, since no silence survived: try shorter ones (--idle).";
    }

    /// <summary>Half of a time, which leaves room for a late message; rounded down to a figure that is easy to remember.</summary>
    private static TimeSpan HalfOf(TimeSpan time)
    {
        var half = time / 2;
        var unit = half.TotalSeconds switch
        {
            >= 600 => TimeSpan.FromMinutes(1),
            >= 60 => TimeSpan.FromSeconds(10),
            >= 10 => TimeSpan.FromSeconds(1),
            >= 1 => TimeSpan.FromMilliseconds(100),
            >= 0.1 => TimeSpan.FromMilliseconds(10),
            _ => TimeSpan.FromMilliseconds(1),
        };
        var rounded = TimeSpan.FromTicks(half.Ticks - (half.Ticks % unit.Ticks));
        return rounded > TimeSpan.Zero ? rounded : half;
    }

    private static string List(IReadOnlyList<TimeSpan> times) => string.Join(", ", times.Select(TimeText.Exact));
}
