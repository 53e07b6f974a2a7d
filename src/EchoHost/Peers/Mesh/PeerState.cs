namespace EchoHost.Peers.Mesh;

/// <summary>What is known of a peer from its last probe.</summary>
internal enum PeerState
{
    /// <summary>It was not probed yet.</summary>
    Unknown,

    /// <summary>Every byte came back.</summary>
    Up,

    /// <summary>It accepts connections and ends them before a byte comes back, as one does that is draining or full.</summary>
    TurnsAway,

    /// <summary>Not every byte came back.</summary>
    Down,
}

internal static class PeerStates
{
    /// <summary>How <c>/peers</c> spells it.</summary>
    public static string Label(this PeerState state) => state switch
    {
        PeerState.Unknown => "unknown",
        PeerState.Up => "up",
        PeerState.TurnsAway => "turnsAway",
        PeerState.Down => "down",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "no such state"),
    };
}
