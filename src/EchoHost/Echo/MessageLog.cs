using System.Buffers;
using EchoHost.Configuration;
using EchoHost.Connections.Tracking;

namespace EchoHost.Echo;

/// <summary>
/// One line a message, up to so many a second; past that, one line a second says how many were left out.
/// </summary>
internal sealed partial class MessageLog : IDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly ILogger<MessageLog> _logger;
    private readonly TimeProvider _time;
    private readonly ITimer _windowEnd;
    private readonly bool _isOn;
    private readonly int _limit;
    private long _windowStart;
    private int _logged;
    private int _leftOut;

    public MessageLog(HostSettings settings, TimeProvider time, ILogger<MessageLog> logger)
    {
        _logger = logger;
        _time = time;
        _isOn = settings.Echo.LogMessages;
        _limit = settings.Echo.MessageLogLimit;
        _windowStart = time.GetTimestamp();
        _windowEnd = time.CreateTimer(_ => EndWindow(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether messages are logged at all; asked before anything is made of a message.</summary>
    public bool IsEnabled => _isOn && _logger.IsEnabled(LogLevel.Information);

    public void Received(TrackedConnection connection, in ReadOnlySequence<byte> message)
    {
        if (TryTake())
        {
            LogReceived(connection.Peer, MessageText.Escape(message), connection.Id);
        }
    }

    public void Dispose() => _windowEnd.Dispose();

    private bool TryTake()
    {
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            if (_leftOut == 0 && _time.GetElapsedTime(_windowStart, now) >= Window)
            {
                (_windowStart, _logged) = (now, 0);
            }

            if (_logged < _limit)
            {
                _logged++;
                return true;
            }

            if (_leftOut++ == 0)
            {
                // The line that counts them must come also when no further message does.
                _windowEnd.Change(Window - Min(_time.GetElapsedTime(_windowStart, now), Window), Timeout.InfiniteTimeSpan);
            }

            return false;
        }
    }

    private void EndWindow()
    {
        int leftOut;
        lock (_lock)
        {
            leftOut = _leftOut;
            (_windowStart, _logged, _leftOut) = (_time.GetTimestamp(), 0, 0);
        }

        if (leftOut > 0)
        {
            LogLeftOut(leftOut, _limit);
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    // What is not in the message is carried as a property of the event, under the parameter's name as it stands.
#pragma warning disable SYSLIB1015
    [LoggerMessage(1, LogLevel.Information, "Received new message from peer {Peer:l}: \"{Message:l}\". Echoing it back")]
    private partial void LogReceived(string peer, string message, string ConnectionId);
#pragma warning restore SYSLIB1015

    [LoggerMessage(2, LogLevel.Information, "{LeftOut} more messages were echoed but not logged (limit {Limit} a second)")]
    private partial void LogLeftOut(int leftOut, int limit);
}
