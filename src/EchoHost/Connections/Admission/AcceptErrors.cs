using System.Net.Sockets;
using EchoHost.Descriptors;
using EchoHost.Metrics;
using Kestrel.Epoll;

namespace EchoHost.Connections.Admission;

/// <summary>
/// Handles accept(2) errors for both transports: counts each one, logs once per episode, and pauses, because an accept loop that
/// keeps failing would take a whole core. At the descriptor limit, new clients are accepted with descriptors from the reserve and
/// rejected, so that none hangs; the episode ends when a client fits beside the reserve.
/// </summary>
internal sealed partial class AcceptErrors(EndpointMetrics metrics, DescriptorReserve reserve, TimeProvider time, ILogger<AcceptErrors> logger) : IAcceptPolicy
{
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan RestBetweenClients = TimeSpan.FromMilliseconds(20);

    /// <summary>The number of clients rejected between two pauses.</summary>
    private const int MaxInARow = 16;

    private long _failures;
    private long _turnedAway;
    private long _lookedAt;
    private bool _isAtLimit;

    public ValueTask FailedAsync(SocketException exception, CancellationToken cancellationToken)
    {
        var reason = exception.SocketErrorCode == SocketError.TooManyOpenSockets ? AcceptErrorReason.DescriptorLimit : AcceptErrorReason.Other;
        metrics.AcceptFailed(reason);
        if (_failures++ == 0)
        {
            LogFailing(metrics.Endpoint, reason == AcceptErrorReason.DescriptorLimit ? "the limit of file descriptors is reached" : exception.Message);
        }

        _isAtLimit |= reason == AcceptErrorReason.DescriptorLimit;
        return _isAtLimit && reserve.TryGive() ? default : new ValueTask(Task.Delay(Rest, time, cancellationToken));
    }

    /// <summary>Counts a client that left before accept(2) returned. This does not start an episode.</summary>
    public void ClientGone() => metrics.AcceptFailed(AcceptErrorReason.Other);

    /// <summary>Whether a descriptor is free for the client; if not, the client must be rejected.</summary>
    public bool TryKeep()
    {
        if (_failures == 0)
        {
            return true;
        }

        if (_isAtLimit && !HasRoom())
        {
            _turnedAway++;
            metrics.Rejected(RejectReason.Limit);
            return false;
        }

        LogEnded(metrics.Endpoint, _failures, _turnedAway);
        _failures = 0;
        _turnedAway = 0;
        _isAtLimit = false;
        return true;
    }

    public ValueTask RejectedAsync(CancellationToken cancellationToken) =>
        _turnedAway % MaxInARow == 0 ? new ValueTask(Task.Delay(RestBetweenClients, time, cancellationToken)) : default;

    /// <summary>
    /// Whether descriptors beyond the reserve are free again. Checked at most once per <see cref="BetweenLooks"/>.
    /// </summary>
    private bool HasRoom()
    {
        if (time.GetElapsedTime(_lookedAt) < BetweenLooks)
        {
            return false;
        }

        _lookedAt = time.GetTimestamp();
        return reserve.TryTake();
    }

    [LoggerMessage(1, LogLevel.Error, "Endpoint {Endpoint:l} can't accept connections: {Problem:l}")]
    private partial void LogFailing(string endpoint, string problem);

    [LoggerMessage(2, LogLevel.Information, "Endpoint {Endpoint:l} accepts connections again, after {Failures} failures and {TurnedAway} callers turned away")]
    private partial void LogEnded(string endpoint, long failures, long turnedAway);
}
