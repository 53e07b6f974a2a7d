using EchoHost.Connections.Admission;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Tracking;

/// <summary>
/// Keeps a connection in the registry, the metrics and the log from its first moment to its last byte. It ends only
/// when the transport has sent everything: Kestrel would wait for that without a limit after the chain has returned,
/// where no timeout could see the connection any more.
/// </summary>
internal sealed class TrackingMiddleware(ConnectionDelegate next, EndpointMetrics metrics, ConnectionRegistry registry, SelfProbes selfProbes, TimeProvider time, ILogger<TrackingMiddleware> logger)
{
    public async Task OnConnectionAsync(ConnectionContext context)
    {
        if (selfProbes.Contains(context.RemoteEndPoint))
        {
            await next(context);
            return;
        }

        var connection = new TrackedConnection(context, metrics.Endpoint, time);
        context.Features.Set(connection);
        registry.Add(connection);
        metrics.Opened();
        TrackingLog.Connecting(logger, connection.Peer);

        var reason = CloseReason.PeerClosed;
        try
        {
            await next(context);
        }
        catch (Exception e)
        {
            reason = Classify(e);
            if (connection.CloseReason is null)
            {
                LogError(connection, e);
            }
        }
        finally
        {
            await SendRemainderAsync(context);
            reason = connection.CloseReason ?? reason;
            metrics.Closed(connection.Age, reason, isEmpty: connection.ReceivedBytes == 0);
            TrackingLog.Disconnected(logger, connection.Peer, reason.Label(), connection.Age.TotalSeconds, connection.ReceivedBytes, connection.SentBytes);
            // Last, since the drain ends when nobody is left here.
            registry.Remove(connection);
        }
    }

    private static CloseReason Classify(Exception e) => e switch
    {
        ConnectionResetException => CloseReason.Reset,
        _ => CloseReason.Error,
    };

    private void LogError(TrackedConnection connection, Exception e)
    {
        if (e is ConnectionResetException)
        {
            TrackingLog.Reset(logger, connection.Peer);
        }
        else
        {
            TrackingLog.Failed(logger, connection.Peer, e.Message, e);
        }
    }

    /// <summary>Ends the sending side and waits until the transport has sent what was written, or has given up.</summary>
    private static async Task SendRemainderAsync(ConnectionContext context)
    {
        var output = context.Transport.Output;
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
#pragma warning disable CS0618 // Deprecated because not every PipeWriter calls back; the transport's own Pipe does, and nothing else tells.
        output.OnReaderCompleted(static (_, state) => ((TaskCompletionSource)state!).TrySetResult(), taken);
#pragma warning restore CS0618
        await output.CompleteAsync();
        await taken.Task;
    }
}
