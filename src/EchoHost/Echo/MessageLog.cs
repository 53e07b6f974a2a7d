using System.Buffers;
using EchoHost.Connections.Tracking;
using EchoHost.Logging;
using EchoHost.Text;

namespace EchoHost.Echo;

/// <summary>Logs a line for each message, within a rate limit.</summary>
internal sealed partial class MessageLog : IDisposable
{
    private readonly ILogger<MessageLog> _logger;
    private readonly LineRation _ration;
    private readonly bool _isOn;

    public MessageLog(ConnectionLogOptions options, TimeProvider time, ILogger<MessageLog> logger)
    {
        var limit = options.MessageLogLimit;
        _logger = logger;
        _isOn = options.LogMessages;
        _ration = new LineRation(limit, time, leftOut => LogLeftOut(leftOut, limit));
    }

    /// <summary>Whether messages are logged at all; checked before a message is formatted.</summary>
    public bool IsEnabled => _isOn && _logger.IsEnabled(LogLevel.Information);

    public void Received(TrackedConnection connection, in ReadOnlySequence<byte> message)
    {
        if (_ration.TryTake())
        {
            LogReceived(connection.Client, MessageText.Escape(message), connection.Id);
        }
    }

    public void Dispose() => _ration.Dispose();

    // A parameter that the message does not use becomes a property of the event under its own name, hence the upper case.
#pragma warning disable SYSLIB1015
    [LoggerMessage(1, LogLevel.Information, "Received new message from peer {Peer:l}: \"{Message:l}\". Echoing it back")]
    private partial void LogReceived(string peer, string message, string ConnectionId);
#pragma warning restore SYSLIB1015

    [LoggerMessage(2, LogLevel.Information, "{LeftOut} more messages were echoed but not logged (limit {Limit} a second)")]
    private partial void LogLeftOut(int leftOut, int limit);
}
