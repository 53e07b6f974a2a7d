using EchoHost.Metrics;
using EchoHost.Text;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>
/// The one place where connections are rejected: counts them by reason, and logs at most one a second for each kind, since
/// a flood must not flood the log.
/// </summary>
internal sealed partial class Rejections(AdmissionWatch watch, QuietNetworks quiet, TimeProvider time, ILogger<Rejections> logger)
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Part, string Reason), (long At, int LeftOut)> _last = [];

    /// <summary>Ends a connection at once, with RST; counted and logged.</summary>
    /// <param name="context">The connection.</param>
    /// <param name="metrics">Its endpoint's.</param>
    /// <param name="reason">Why.</param>
    /// <param name="why">The same in words.</param>
    public void Reject(ConnectionContext context, EndpointMetrics metrics, RejectReason reason, string why)
    {
        Count(context, metrics, reason, why);
        context.Abort(new ConnectionAbortedException(why));
    }

    /// <summary>Counts and logs a connection that was rejected and ends by itself.</summary>
    /// <param name="context">The connection.</param>
    /// <param name="metrics">Its endpoint's.</param>
    /// <param name="reason">Why.</param>
    /// <param name="why">The same in words.</param>
    /// <param name="mayBeProbe">Whether a health check may look like this, of which a quiet network says nothing above Debug.</param>
    /// <param name="detail">What tells one kind from another where a reason has several.</param>
    public void Count(ConnectionContext context, EndpointMetrics metrics, RejectReason reason, string why, bool mayBeProbe = false, string? detail = null)
    {
        metrics.Rejected(reason);
        // The HTTP endpoint's limits are others than those of the raw endpoints.
        var isHttp = metrics.Endpoint == EchoMetrics.HttpEndpoint;
        (string Part, string Reason) kind = detail is null ? (isHttp ? EchoMetrics.HttpEndpoint : "raw", reason.Label()) : (reason.Label(), detail);
        // A drain rejects all clients by intent, and admissions by the HTTP endpoint are not counted.
        if (reason != RejectReason.Draining && !isHttp)
        {
            watch.Rejected(metrics.Endpoint, $"{kind.Part} {kind.Reason}", why);
        }

        Log(context, kind, why, mayBeProbe);
    }

    /// <summary>Logs a client that left before it could be rejected.</summary>
    /// <param name="context">The connection.</param>
    /// <param name="reason">What it would have been rejected for.</param>
    /// <param name="detail">What tells one kind from another.</param>
    /// <param name="why">The same in words.</param>
    public void LogLeft(ConnectionContext context, RejectReason reason, string detail, string why) =>
        Log(context, (reason.Label(), detail), why, mayBeProbe: true);

    private void Log(ConnectionContext context, (string Part, string Reason) kind, string why, bool mayBeProbe)
    {
        var client = ClientAddress.Format(context);
        if (mayBeProbe && quiet.Contains(context.RemoteEndPoint))
        {
            LogQuietlyRejected(client, why);
            return;
        }

        int leftOut;
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (_last.TryGetValue(kind, out var last) && time.GetElapsedTime(last.At, now) < BetweenLines)
            {
                _last[kind] = (last.At, last.LeftOut + 1);
                return;
            }

            leftOut = last.LeftOut;
            _last[kind] = (now, 0);
        }

        if (leftOut == 0)
        {
            LogRejected(client, why);
        }
        else
        {
            LogRejectedMore(client, why, leftOut);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Peer {Peer:l} turned away: {Why:l}")]
    private partial void LogRejected(string peer, string why);

    [LoggerMessage(3, LogLevel.Debug, "Peer {Peer:l} turned away: {Why:l}")]
    private partial void LogQuietlyRejected(string peer, string why);

    [LoggerMessage(2, LogLevel.Warning, "Peer {Peer:l} turned away: {Why:l} (and {LeftOut} more since the last such line)")]
    private partial void LogRejectedMore(string peer, string why, int leftOut);
}
