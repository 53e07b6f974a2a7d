using EchoHost.Connections.Admission;
using EchoHost.Lifetime;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Tracking;

/// <summary>
/// Keeps a connection in the registry, the metrics and the log from its first moment to its last byte. It ends only
/// when the transport has sent everything: Kestrel would wait for that without a limit after the chain has returned,
/// where no timeout could see the connection any more.
/// </summary>
internal sealed class TrackingMiddleware(
    ConnectionDelegate next, EndpointMetrics metrics, ConnectionRegistry registry, QuietNetworks quiet, DrainState drain,
    AdmissionWatch admission, ConnectionLog log, TimeProvider time)
{
    public async Task OnConnectionAsync(ConnectionContext context)
    {
        var connection = Track(context);
        var reason = CloseReason.PeerClosed;
        try
        {
            Open(connection);
            await next(context);
        }
        catch (Exception e)
        {
            reason = ConnectionLog.IsReset(e) ? CloseReason.Reset : CloseReason.Error;
            if (connection.CloseReason is null)
            {
                log.Failed(connection, e, LevelOf(connection) == LogLevel.Debug ? LogLevel.Debug : LogLevel.Warning);
            }
        }
        finally
        {
            // Where the peer has ended its side, there is nothing to wait for.
            await GracefulClose.SendAsync(context, connection.CloseReason is null ? null : connection.Socket);
            Close(connection, connection.CloseReason ?? reason);
        }
    }

    /// <summary>From here on the connection counts; nothing that can fail may stand between this and the end that undoes it.</summary>
    private TrackedConnection Track(ConnectionContext context)
    {
        var isQuiet = quiet.Contains(context.RemoteEndPoint);
        var connection = new TrackedConnection(context, metrics.Endpoint, time)
        {
            IsQuiet = isQuiet,
            // A client that sends something is no health check: it is logged from its beginning.
            FirstReceived = isQuiet ? c => log.Connecting(c, LogLevel.Information) : null,
        };
        context.Features.Set(connection);
        registry.Add(connection);
        metrics.Opened();
        return connection;
    }

    private void Open(TrackedConnection connection)
    {
        admission.LetIn(metrics.Endpoint);
        log.Connecting(connection, LevelOf(connection));
        if (drain.IsOver)
        {
            // Admitted before the drain began to reject clients, and registered only after it had closed the rest.
            connection.RequestClose(CloseReason.Drained);
        }
    }

    private void Close(TrackedConnection connection, CloseReason reason)
    {
        var age = connection.Age;
        metrics.Closed(age, reason, isEmpty: connection.ReceivedBytes == 0);
        try
        {
            log.Disconnected(connection, reason, age, LevelOf(connection));
        }
        finally
        {
            // Last, since the drain ends when the registry is empty.
            registry.Remove(connection);
        }
    }

    /// <summary>Nothing is heard of a silent connection from a quiet network.</summary>
    private static LogLevel LevelOf(TrackedConnection connection) =>
        connection.IsQuiet && connection.ReceivedBytes == 0 ? LogLevel.Debug : LogLevel.Information;
}
