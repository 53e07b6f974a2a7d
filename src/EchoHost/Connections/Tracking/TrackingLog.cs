namespace EchoHost.Connections.Tracking;

internal static partial class TrackingLog
{
    // What is not in the message is carried as properties of the event, under the parameter's name as it stands.
#pragma warning disable SYSLIB1015
    [LoggerMessage(EventId = 1, Message = "Peer {Peer:l} connecting")]
    public static partial void Connecting(ILogger logger, LogLevel level, string peer, string ConnectionId);

    [LoggerMessage(EventId = 5, Message = "Peer {Peer:l} connecting (via {Via:l})")]
    public static partial void ConnectingVia(ILogger logger, LogLevel level, string peer, string via, string ConnectionId);

    [LoggerMessage(EventId = 2, Message = "Peer {Peer:l} disconnected")]
    public static partial void Disconnected(ILogger logger, LogLevel level, string peer, string ConnectionId, string Reason, double DurationSeconds, long ReceivedBytes, long SentBytes);

    [LoggerMessage(EventId = 3, Message = "Error with peer {Peer:l}: connection reset by peer")]
    public static partial void Reset(ILogger logger, LogLevel level, string peer, string ConnectionId);

    [LoggerMessage(4, LogLevel.Warning, "Error with peer {Peer:l}: {Problem:l}")]
    public static partial void Failed(ILogger logger, string peer, string problem, string ConnectionId, Exception? exception);
#pragma warning restore SYSLIB1015
}
