using EchoHost.Configuration;
using EchoHost.Connections.Admission;
using EchoHost.Drain;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Tracking;

/// <summary>
/// Keeps a connection in the registry, the metrics and the log from its first moment to its last byte. It ends only
/// when the transport has sent everything: Kestrel would wait for that without a limit after the chain has returned,
/// where no timeout could see the connection any more.
/// </summary>
internal sealed class TrackingMiddleware(ConnectionDelegate next, EndpointMetrics metrics, ConnectionRegistry registry, HostSettings settings, DrainState drain, SelfProbes selfProbes, TimeProvider time, ILogger<TrackingMiddleware> logger)
{
    public async Task OnConnectionAsync(ConnectionContext context)
    {
        if (selfProbes.Contains(context.RemoteEndPoint))
        {
            await next(context);
            await LastBytes.SendAsync(context);
            return;
        }

        var connection = Open(context);
        var reason = CloseReason.PeerClosed;
        try
        {
            await next(context);
        }
        catch (Exception e)
        {
            reason = IsReset(e) ? CloseReason.Reset : CloseReason.Error;
            if (connection.CloseReason is null)
            {
                LogError(connection, e);
            }
        }
        finally
        {
            await LastBytes.SendAsync(context);
            Close(connection, connection.CloseReason ?? reason);
        }
    }

    private TrackedConnection Open(ConnectionContext context)
    {
        var isQuiet = settings.IsQuiet(context.RemoteEndPoint);
        var connection = new TrackedConnection(context, metrics.Endpoint, time)
        {
            IsQuiet = isQuiet,
            // What a health check turns out to be a peer is told after all, from its beginning.
            FirstReceived = isQuiet ? c => LogConnecting(c, LogLevel.Information) : null,
        };
        context.Features.Set(connection);
        registry.Add(connection);
        metrics.Opened();
        LogConnecting(connection, LevelOf(connection));
        if (drain.IsOver)
        {
            // Let in before the host turned anybody away, and here only after it had looked for who is left.
            connection.RequestClose(CloseReason.Drained);
        }

        return connection;
    }

    private void Close(TrackedConnection connection, CloseReason reason)
    {
        var (age, label) = (connection.Age, reason.Label());
        metrics.Closed(age, reason, isEmpty: connection.ReceivedBytes == 0);
        var level = LevelOf(connection);
        TrackingLog.Disconnected(logger, level, connection.Peer, connection.Id, label, age.TotalSeconds, connection.ReceivedBytes, connection.SentBytes);

        // Last, since the drain ends when nobody is left here.
        registry.Remove(connection);
    }

    /// <summary>Nothing is heard of a silent connection from a quiet network.</summary>
    private static LogLevel LevelOf(TrackedConnection connection) =>
        connection.IsQuiet && connection.ReceivedBytes == 0 ? LogLevel.Debug : LogLevel.Information;

    private void LogConnecting(TrackedConnection connection, LogLevel level)
    {
        if (connection.Via is { } via)
        {
            TrackingLog.ConnectingVia(logger, level, connection.Peer, via, connection.Id);
        }
        else
        {
            TrackingLog.Connecting(logger, level, connection.Peer, connection.Id);
        }
    }

    private void LogError(TrackedConnection connection, Exception e)
    {
        if (IsReset(e))
        {
            TrackingLog.Reset(logger, LevelOf(connection) == LogLevel.Debug ? LogLevel.Debug : LogLevel.Warning, connection.Peer, connection.Id);
        }
        else
        {
            // Where the network failed, where it failed in the code tells nothing.
            TrackingLog.Failed(logger, connection.Peer, e.Message, connection.Id, e is IOException or OperationCanceledException ? null : e);
        }
    }

    /// <summary>TLS wraps what the transport throws.</summary>
    private static bool IsReset(Exception? e) => e is ConnectionResetException || (e is not null && IsReset(e.InnerException));
}
