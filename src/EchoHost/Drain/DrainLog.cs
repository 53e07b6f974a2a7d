namespace EchoHost.Drain;

internal static partial class DrainLog
{
    [LoggerMessage(
        1,
        LogLevel.Information,
        "Draining: unready, still accepting for {ReadinessDelaySeconds} s, then {Connections} connections have {GracePeriodSeconds} s to end")]
    public static partial void Draining(ILogger logger, double readinessDelaySeconds, int connections, double gracePeriodSeconds);

    [LoggerMessage(2, LogLevel.Warning, "The grace period is over with {Connections} connections open; closing them")]
    public static partial void GraceOver(ILogger logger, int connections);

    [LoggerMessage(3, LogLevel.Warning, "Told again to stop: ending {Connections} connections at once")]
    public static partial void EndedAtOnce(ILogger logger, int connections);

    [LoggerMessage(5, LogLevel.Error, "The connection of peer {Peer:l} could not be ended")]
    public static partial void Failed(ILogger logger, string peer, Exception exception);

    [LoggerMessage(4, LogLevel.Information, "Drained")]
    public static partial void Drained(ILogger logger);
}
