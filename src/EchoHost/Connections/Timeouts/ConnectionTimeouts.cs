using EchoHost.Connections.Tracking;
using EchoHost.Metrics;

namespace EchoHost.Connections.Timeouts;

/// <summary>
/// Ends connections that are idle, or whose client takes nothing, for too long. One pass a second over all of them (more
/// often for short limits) costs less than a timer for each.
/// </summary>
internal sealed partial class ConnectionTimeouts(
    ConnectionRegistry registry, TimeoutOptions options, TimeProvider time, ILogger<ConnectionTimeouts> logger) : BackgroundService
{
    private static readonly TimeSpan LongestPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestPeriod = TimeSpan.FromMilliseconds(10);

    /// <summary>How long a connection may take to close after <see cref="TrackedConnection.RequestClose"/>.</summary>
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(12);

    private readonly TimeSpan _idleTimeout = options.IdleTimeout;
    private readonly TimeSpan _writeTimeout = options.WriteTimeout;

    /// <summary>How long a connection that a fault closes may take, whatever its client does.</summary>
    private static readonly TimeSpan LongestFaultyEnd = TimeSpan.FromSeconds(5);

    /// <summary>The interval between two passes: a quarter of the shortest limit, between 10 ms and a second.</summary>
    private TimeSpan Period
    {
        get
        {
            TimeSpan[] limits = [_idleTimeout, _writeTimeout, LongestFaultyEnd];
            var quarter = limits.Where(limit => limit > TimeSpan.Zero).Min() / 4;
            return quarter < ShortestPeriod ? ShortestPeriod : quarter > LongestPeriod ? LongestPeriod : quarter;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var now = time.GetTimestamp();
                foreach (var connection in registry.All())
                {
                    try
                    {
                        Check(connection, now);
                    }
                    catch (Exception e)
                    {
                        // An exception here would end the watch over all other connections, and with it the host.
                        LogFailed(connection.Client, e);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    private void Check(TrackedConnection connection, long now)
    {
        if (connection.CloseReason == CloseReason.Fault && time.GetElapsedTime(connection.CloseTimestamp, now) >= LongestFaultyEnd)
        {
            connection.Abort(CloseReason.Fault);
            return;
        }

        if (connection.LookAtSending(now) is { } waitingSince)
        {
            if (_writeTimeout > TimeSpan.Zero && time.GetElapsedTime(waitingSince, now) >= _writeTimeout)
            {
                connection.Abort(CloseReason.WriteTimeout);
                return;
            }
        }

        if (_idleTimeout > TimeSpan.Zero && connection.Idle >= _idleTimeout)
        {
            // A silent connection is closed gracefully; one that can't send, or is still open long after its close began,
            // is aborted.
            if (connection.CloseReason is null ? connection.IsSending : time.GetElapsedTime(connection.CloseTimestamp, now) >= LongestEnd)
            {
                connection.Abort(CloseReason.IdleTimeout);
            }
            else if (connection.CloseReason is null)
            {
                connection.RequestClose(CloseReason.IdleTimeout);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Error, "The timeouts of peer {Peer:l} could not be checked")]
    private partial void LogFailed(string peer, Exception exception);
}
