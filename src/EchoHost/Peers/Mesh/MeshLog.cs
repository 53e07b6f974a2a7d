namespace EchoHost.Peers.Mesh;

/// <summary>The log messages of the mesh. It logs changes only.</summary>
internal static partial class MeshLog
{
    /// <summary>Logs a change of a peer's state.</summary>
    public static void Changed(ILogger logger, Peer peer, Probe probe, PeerChange change)
    {
        switch (change.Now)
        {
            case PeerState.Up when change.Before == PeerState.Unknown:
                Reachable(logger, peer.Name);
                break;
            case PeerState.Up:
                ReachableAgain(logger, peer.Name, Math.Round(change.Lasted.TotalSeconds, 1));
                break;
            case PeerState.TurnsAway:
                // A warning on the first probe: a peer that was never up is probably not draining.
                TurnsAway(logger, change.Before == PeerState.Unknown ? LogLevel.Warning : LogLevel.Information, peer.Name);
                break;
            case PeerState.Down:
                Unreachable(logger, peer.Name, probe.Result.Label(), probe.Error);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(change), change.Now, "no such change");
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Peer {Peer:l} is reachable")]
    private static partial void Reachable(ILogger logger, string peer);

    [LoggerMessage(2, LogLevel.Information, "Peer {Peer:l} is reachable again, after {Seconds} s")]
    private static partial void ReachableAgain(ILogger logger, string peer, double seconds);

    [LoggerMessage(EventId = 3, Message = "Peer {Peer:l} ends connections before a byte comes back: it may be draining, or full")]
    private static partial void TurnsAway(ILogger logger, LogLevel level, string peer);

    [LoggerMessage(4, LogLevel.Warning, "Peer {Peer:l} is unreachable: {Result:l}: {Error:l}")]
    private static partial void Unreachable(ILogger logger, string peer, string result, string? error);

    [LoggerMessage(5, LogLevel.Information, "Peer {Peer:l} found by the name {Name:l}")]
    public static partial void Found(ILogger logger, string peer, string name);

    [LoggerMessage(6, LogLevel.Information, "Peer {Peer:l} left: no name has its address any more")]
    public static partial void Left(ILogger logger, string peer);

    [LoggerMessage(7, LogLevel.Warning, "The name {Name:l} can't be resolved, its peers stay as they were: {Error:l}")]
    public static partial void Unresolved(ILogger logger, string name, string error);

    [LoggerMessage(8, LogLevel.Warning, "The name {Name:l} has no address")]
    public static partial void NoAddress(ILogger logger, string name);

    [LoggerMessage(10, LogLevel.Error, "Peer {Peer:l} could not be probed")]
    public static partial void Failed(ILogger logger, string peer, Exception exception);

    [LoggerMessage(11, LogLevel.Information, "Peer {Peer:l} is no longer one of those that this host probes")]
    public static partial void NoLongerChosen(ILogger logger, string peer);

    [LoggerMessage(9, LogLevel.Information, "The name {Name:l} is resolved again")]
    public static partial void ResolvedAgain(ILogger logger, string name);
}
