using EchoHost.Connections.Admission;
using EchoHost.Lifetime;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Tracking;

/// <summary>
/// Keeps a connection in the registry, the metrics and the log until the transport has sent its last byte. Returning
/// earlier would leave that wait to the server, which has no limit for it and would hide the connection from the timeouts.
/// </summary>
internal sealed class TrackingMiddleware(
    ConnectionDelegate next, EndpointMetrics metrics, ConnectionRegistry registry, QuietNetworks quiet, DrainState drain,
    AdmissionWatch admission, ConnectionLog log, TimeProvider time)
{
    public async Task OnConnectionAsync(ConnectionContext context)
    {
        var connection = Track(context);
        var reason = CloseReason.ClientClosed;
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
            // After the client's FIN there is none to wait for.
            await GracefulClose.SendAsync(context, connection.CloseReason is null && !connection.IsAnswered ? null : connection.Socket);
            Close(connection, connection.CloseReason ?? reason);
        }
    }

    /// <summary>Registers the connection. Code that can fail must run inside the try block, whose end undoes this.</summary>
    private TrackedConnection Track(ConnectionContext context)
    {
        var isQuiet = quiet.Contains(context.RemoteEndPoint);
        var connection = new TrackedConnection(context, metrics.Endpoint, time)
        {
            IsQuiet = isQuiet,
            // A client that sends something is not a health check, so its start is logged after all.
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
            // The connection was admitted before the drain began to reject clients, and registered after the drain had
            // closed the others.
            connection.RequestClose(CloseReason.Drained);
        }
    }

    private void Close(TrackedConnection connection, CloseReason reason)
    {
        var age = connection.Age;
        metrics.Closed(age, reason, isEmpty: connection.ReceivedBytes == 0 && !connection.IsAnswered);
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

    /// <summary>The level for the connection's lines: Debug for a silent connection from a quiet network.</summary>
    private static LogLevel LevelOf(TrackedConnection connection) =>
        connection.IsQuiet && connection.ReceivedBytes == 0 ? LogLevel.Debug : LogLevel.Information;
}
