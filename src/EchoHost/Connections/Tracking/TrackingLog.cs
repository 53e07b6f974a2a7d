namespace EchoHost.Connections.Tracking;

internal static partial class TrackingLog
{
    [LoggerMessage(1, LogLevel.Information, "Peer {Peer:l} connecting")]
    public static partial void Connecting(ILogger logger, string peer);

    // What is not in the message is carried as properties of the event, under the parameter's name as it stands.
#pragma warning disable SYSLIB1015
    [LoggerMessage(2, LogLevel.Information, "Peer {Peer:l} disconnected")]
    public static partial void Disconnected(ILogger logger, string peer, string Reason, double DurationSeconds, long ReceivedBytes, long SentBytes);
#pragma warning restore SYSLIB1015

    [LoggerMessage(3, LogLevel.Warning, "Error with peer {Peer:l}: connection reset by peer")]
    public static partial void Reset(ILogger logger, string peer);

    [LoggerMessage(4, LogLevel.Warning, "Error with peer {Peer:l}: {Problem:l}")]
    public static partial void Failed(ILogger logger, string peer, string problem, Exception exception);
}
