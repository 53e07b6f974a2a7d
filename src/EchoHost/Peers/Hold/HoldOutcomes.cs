namespace EchoHost.Peers.Hold;

internal static class HoldOutcomes
{
    /// <summary>The label in JSON.</summary>
    public static string Label(this HoldOutcome outcome) => outcome switch
    {
        HoldOutcome.Survived => "survived",
        HoldOutcome.Closed => "closed",
        HoldOutcome.Reset => "reset",
        HoldOutcome.Dropped => "dropped",
        HoldOutcome.StillSilent => "silent",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "no label: the failure has it"),
    };
}
