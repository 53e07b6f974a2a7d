using EchoHost.Connections.Tracking;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Who;

/// <summary>Sends one line about the connection and closes it, without waiting for input.</summary>
/// <param name="endpoint">The endpoint's name.</param>
/// <param name="answers">Makes the line.</param>
/// <param name="metrics">Counts what is sent.</param>
/// <param name="time">The clock.</param>
internal sealed class WhoConnectionHandler(string endpoint, WhoAnswers answers, EchoMetrics metrics, TimeProvider time) : ConnectionHandler
{
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        // This host's own readiness probe is not tracked.
        var tracked = connection.Features.Get<TrackedConnection>();
        var line = answers.For(endpoint, connection.ConnectionId, connection.RemoteEndPoint, connection.LocalEndPoint, connection.Features).ToLine();
        var flush = await connection.Transport.Output.WriteAsync(line);
        if (!flush.IsCompleted && tracked?.Answered(line.Length, time.GetTimestamp()) == true)
        {
            metrics.For(endpoint).Sent(line.Length);
        }
    }
}
