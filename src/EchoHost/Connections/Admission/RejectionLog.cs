namespace EchoHost.Connections.Admission;

/// <summary>Says that connections are turned away, at most once a second for each reason: a flood must not flood the log.</summary>
internal sealed partial class RejectionLog(TimeProvider time, ILogger<RejectionLog> logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long At, int LeftOut)> _last = [];

    /// <param name="key">What is rationed together, such as the reason.</param>
    /// <param name="peer">Who was turned away.</param>
    /// <param name="why">Why, in words.</param>
    /// <param name="isQuiet">A health check of which nothing is to be heard above Debug.</param>
    public void Rejected(string key, string peer, string why, bool isQuiet = false)
    {
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
