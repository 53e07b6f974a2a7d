using EchoHost.Peers;
using EchoHost.Peers.Hold;

namespace EchoHost.Tests.Peers.Hold;

/// <summary>Results of silent connections, with times in seconds.</summary>
internal static class Held
{
    public static HoldResult Survived(double idle) => new(TimeSpan.FromSeconds(idle), HoldOutcome.Survived, TimeSpan.FromSeconds(idle));

    /// <summary>It ended while it was silent.</summary>
    public static HoldResult InSilence(double idle, ProbeResult result, double after) =>
        HoldResult.InSilence(TimeSpan.FromSeconds(idle), new PeerException(result, "ended"), TimeSpan.FromSeconds(after));

    /// <summary>The message after the silence failed.</summary>
    public static HoldResult AtMessage(double idle, ProbeResult result) => HoldResult.AtMessage(
        TimeSpan.FromSeconds(idle), new PeerException(result, "ended"), TimeSpan.FromSeconds(idle), TimeSpan.FromSeconds(idle + 5));
}
