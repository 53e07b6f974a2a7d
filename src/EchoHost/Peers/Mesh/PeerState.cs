namespace EchoHost.Peers.Mesh;

/// <summary>The state of a peer after its last probe.</summary>
internal enum PeerState
{
    /// <summary>No probe has ended yet.</summary>
    Unknown,

    /// <summary>Every byte came back.</summary>
    Up,

    /// <summary>The peer accepts connections and ends them before a byte comes back, as a draining or full peer does.</summary>
    TurnsAway,

    /// <summary>The probe failed in any other way.</summary>
    Down,
}

internal static class PeerStates
{
    /// <summary>The label in <c>/peers</c>.</summary>
    public static string Label(this PeerState state) => state switch
    {
        PeerState.Unknown => "unknown",
        PeerState.Up => "up",
        PeerState.TurnsAway => "turnsAway",
        PeerState.Down => "down",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "no such state"),
    };
}
