using EchoHost.Endpoints;
using EchoHost.Metrics;
using EchoHost.Peers.Mesh;
using EchoHost.Text;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>Turns connections away: counts them by reason, and says so at most once a second for each, since a flood must not flood the log.</summary>
internal sealed partial class Rejections(AdmissionWatch admission, TimeProvider time, ILogger<Rejections> logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Kind, string Reason), (long At, int LeftOut)> _last = [];

    /// <summary>Ends a connection at once, with RST; counted and told.</summary>
    /// <param name="context">The connection.</param>
    /// <param name="metrics">Its endpoint's.</param>
    /// <param name="reason">Why.</param>
    /// <param name="why">The same in words.</param>
    public void TurnAway(ConnectionContext context, EndpointMetrics metrics, RejectReason reason, string why)
    {
        Count(context, metrics, reason, why);
        context.Abort(new ConnectionAbortedException(why));
    }

    /// <summary>The same for a connection that ends by itself.</summary>
    public void Count(ConnectionContext context, EndpointMetrics metrics, RejectReason reason, string why, bool isQuiet = false)
    {
        // The HTTP endpoint's limit is another one than that of the echo endpoints.
        Count(context, metrics, reason, (metrics.Endpoint == HttpAddress.EndpointName ? "http" : "echo", reason.Label()), why, isQuiet);
    }

    /// <summary>The same where one reason has several shapes.</summary>
    public void Count(
        ConnectionContext context, EndpointMetrics metrics, RejectReason reason, (string Kind, string Reason) key, string why, bool isQuiet = false)
    {
        metrics.Rejected(reason);
        // A drain rejects all clients by intent, and admissions by the HTTP endpoint are not counted.
        if (reason != RejectReason.Draining && metrics.Endpoint != HttpAddress.EndpointName)
        {
            admission.TurnedAway(metrics.Endpoint, $"{key.Kind} {key.Reason}", why);
        }

        Tell(key, context, why, isQuiet);
    }

    /// <summary>Says that a connection is turned away.</summary>
    /// <param name="key">What is rationed together, such as the reason.</param>
    /// <param name="context">The connection.</param>
    /// <param name="why">Why, in words.</param>
    /// <param name="isQuiet">A health check of which nothing is to be heard above Debug.</param>
    public void Tell((string Kind, string Reason) key, ConnectionContext context, string why, bool isQuiet)
    {
        var peer = PeerAddress.Format(context);
        if (isQuiet)
        {
            LogQuietlyRejected(peer, why);
            return;
        }

        int leftOut;
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (_last.TryGetValue(key, out var last) && time.GetElapsedTime(last.At, now) < TimeSpan.FromSeconds(1))
            {
                _last[key] = (last.At, last.LeftOut + 1);
                return;
            }

            leftOut = last.LeftOut;
            _last[key] = (now, 0);
        }

        if (leftOut == 0)
        {
            LogRejected(peer, why);
        }
        else
        {
            LogRejectedMore(peer, why, leftOut);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Peer {Peer:l} turned away: {Why:l}")]
    private partial void LogRejected(string peer, string why);

    [LoggerMessage(3, LogLevel.Debug, "Peer {Peer:l} turned away: {Why:l}")]
    private partial void LogQuietlyRejected(string peer, string why);

    [LoggerMessage(2, LogLevel.Warning, "Peer {Peer:l} turned away: {Why:l} (and {LeftOut} more since the last such line)")]
    private partial void LogRejectedMore(string peer, string why, int leftOut);
}
