using EchoHost.Metrics;
using EchoHost.Text;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>
/// Rejects all connections that the host rejects: counts them by reason, and logs at most one a second of each kind, so that a
/// flood of clients does not become a flood of lines.
/// </summary>
internal sealed partial class Rejections(AdmissionWatch watch, QuietNetworks quiet, TimeProvider time, ILogger<Rejections> logger)
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Part, string Reason), (long At, int LeftOut)> _last = [];

    /// <summary>Ends a connection at once, with RST; counts and logs it.</summary>
    /// <param name="context">The connection.</param>
    /// <param name="metrics">Its endpoint's metrics.</param>
    /// <param name="reason">The reason, as a label.</param>
    /// <param name="why">The reason in words.</param>
    public void Reject(ConnectionContext context, EndpointMetrics metrics, RejectReason reason, string why)
    {
        Count(context, metrics, reason, why);
        context.Abort(new ConnectionAbortedException(why));
    }

    /// <summary>Counts and logs a rejected connection that the caller ends.</summary>
    /// <param name="context">The connection.</param>
    /// <param name="metrics">Its endpoint's metrics.</param>
    /// <param name="reason">The reason, as a label.</param>
    /// <param name="why">The reason in words.</param>
    /// <param name="mayBeProbe">
    /// Whether it may be a health check, which is logged at Debug if it comes from a quiet network.
    /// </param>
    /// <param name="detail">The kind, for a reason that has several.</param>
    public void Count(ConnectionContext context, EndpointMetrics metrics, RejectReason reason, string why, bool mayBeProbe = false, string? detail = null)
    {
        metrics.Rejected(reason);
        // The HTTP endpoint has limits of its own.
        var isHttp = metrics.Endpoint == EchoMetrics.HttpEndpoint;
        (string Part, string Reason) kind = detail is null ? (isHttp ? EchoMetrics.HttpEndpoint : "raw", reason.Label()) : (reason.Label(), detail);
        // A drain rejects all clients by intent, and the HTTP endpoint does not report its admissions.
        if (reason != RejectReason.Draining && !isHttp)
        {
            watch.Rejected(metrics.Endpoint, $"{kind.Part} {kind.Reason}", why);
        }

        Log(context, kind, why, mayBeProbe);
    }

    /// <summary>Logs a client that left before it was rejected.</summary>
    /// <param name="context">The connection.</param>
    /// <param name="reason">The reason to reject it.</param>
    /// <param name="detail">The kind of that reason.</param>
    /// <param name="why">The reason in words.</param>
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
