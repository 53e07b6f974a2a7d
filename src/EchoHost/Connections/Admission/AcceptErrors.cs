using System.Net.Sockets;
using EchoHost.Descriptors;
using EchoHost.Metrics;
using Kestrel.Epoll;

namespace EchoHost.Connections.Admission;

/// <summary>
/// What accept(2) can't do is counted, said once an episode, and rested on: at the descriptor limit an accept loop would
/// otherwise take a whole core to fail. There, clients are accepted with the reserve's descriptors, and turned away, so
/// that none hangs; the first one that fits beside the reserve is kept. Both transports use it.
/// </summary>
internal sealed partial class AcceptErrors(EndpointMetrics metrics, DescriptorReserve reserve, TimeProvider time, ILogger<AcceptErrors> logger) : IAcceptPolicy
{
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan RestBetweenClients = TimeSpan.FromMilliseconds(20);

    /// <summary>How many clients are turned away between two rests.</summary>
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

    /// <summary>Counted as an error, which concerns no other client.</summary>
    public void ClientGone() => metrics.AcceptFailed(AcceptErrorReason.Other);

    /// <summary>Whether there is a descriptor for the client, or it is to be turned away.</summary>
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
        (_failures, _turnedAway, _isAtLimit) = (0, 0, false);
        return true;
    }

    public ValueTask RejectedAsync(CancellationToken cancellationToken) =>
        _turnedAway % MaxInARow == 0 ? new ValueTask(Task.Delay(RestBetweenClients, time, cancellationToken)) : default;

    /// <summary>Whether there are descriptors beside the reserve again; of many clients at once, one is enough to look.</summary>
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
