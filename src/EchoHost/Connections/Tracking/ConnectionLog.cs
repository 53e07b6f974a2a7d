using System.Globalization;
using System.Security.Authentication;
using System.Security.Cryptography;
using EchoHost.Logging;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Tracking;

/// <summary>
/// Logs a connection's start, faults, errors and end, but not its messages. Each kind of line has a rate limit of its own.
/// </summary>
internal sealed partial class ConnectionLog : IDisposable
{
    private readonly ILogger<ConnectionLog> _logger;
    private readonly LineRation _connecting;
    private readonly LineRation _disconnected;
    private readonly LineRation _errors;
    private readonly LineRation _faulty;

    public ConnectionLog(ConnectionLogOptions options, TimeProvider time, ILogger<ConnectionLog> logger)
    {
        var limit = options.MessageLogLimit;
        _logger = logger;
        _connecting = new LineRation(limit, time, leftOut => LogConnectingLeftOut(leftOut, limit));
        _disconnected = new LineRation(limit, time, leftOut => LogDisconnectedLeftOut(leftOut, limit));
        _errors = new LineRation(limit, time, leftOut => LogErrorsLeftOut(leftOut, limit));
        _faulty = new LineRation(limit, time, leftOut => LogFaultyLeftOut(leftOut, limit));
    }

    /// <summary>
    /// Logs the start of a connection at <paramref name="level"/>: Debug for a silent one from a quiet network.
    /// </summary>
    public void Connecting(TrackedConnection connection, LogLevel level)
    {
        if (!_logger.IsEnabled(level) || !_connecting.TryTake())
        {
            return;
        }

        if (connection.Via is { } via)
        {
            LogConnectingVia(level, connection.Client, via, connection.Id);
        }
        else
        {
            LogConnecting(level, connection.Client, connection.Id);
        }
    }

    /// <summary>Logs the end of a connection, with the reason if the host closed it.</summary>
    public void Disconnected(TrackedConnection connection, CloseReason reason, TimeSpan age, LogLevel level)
    {
        if (!_logger.IsEnabled(level) || !_disconnected.TryTake())
        {
            return;
        }

        var (label, received, sent) = (reason.Label(), connection.ReceivedBytes, connection.SentBytes);
        if (reason.Text() is { } why)
        {
            var seconds = age.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
            var unit = received == 1 ? "byte" : "bytes";
            LogDisconnectedBecause(level, connection.Client, why, seconds, received, unit, connection.Id, label, age.TotalSeconds, sent);
        }
        else
        {
            LogDisconnected(level, connection.Client, connection.Id, label, age.TotalSeconds, received, sent);
        }
    }

    /// <summary>Logs an error of a connection; a reset is logged at <paramref name="resetLevel"/>.</summary>
    public void Failed(TrackedConnection connection, Exception exception, LogLevel resetLevel)
    {
        var isReset = IsReset(exception);
        if (!_logger.IsEnabled(isReset ? resetLevel : LogLevel.Warning) || !_errors.TryTake())
        {
            return;
        }

        if (isReset)
        {
            LogReset(resetLevel, connection.Client, connection.Id);
        }
        else
        {
            // A network error needs no stack trace: it says nothing about the cause.
            var isNetwork = exception is IOException or OperationCanceledException or AuthenticationException;
            LogFailed(connection.Client, ProblemOf(exception, connection.Tls is not null), connection.Id, isNetwork ? null : exception);
        }
    }

    /// <summary>Logs that a connection gets faults, described by <paramref name="faults"/>.</summary>
    public void Faulty(TrackedConnection connection, IEnumerable<string> faults)
    {
        if (_logger.IsEnabled(LogLevel.Information) && _faulty.TryTake())
        {
            LogFaulty(connection.Client, string.Join(", ", faults), connection.Id);
        }
    }

    public void Dispose()
    {
        _connecting.Dispose();
        _disconnected.Dispose();
        _errors.Dispose();
        _faulty.Dispose();
    }

    /// <summary>
    /// Whether the client reset the connection. TLS wraps the transport's exception, so inner exceptions count too.
    /// </summary>
    public static bool IsReset(Exception? e) => e is ConnectionResetException || (e is not null && IsReset(e.InnerException));

    /// <summary>Describes what the client did; the framework's messages describe the state of its decoder.</summary>
    private static string ProblemOf(Exception e, bool isTls) =>
        !isTls ? e.Message
        : IsNotTls(e) ? "what it sent is not TLS"
        : e is IOException && e.Message.Contains("EOF", StringComparison.Ordinal) ? "it ended in the middle of a TLS record"
        : e.Message;

    private static bool IsNotTls(Exception? e) => e is AuthenticationException or CryptographicException || (e is not null && IsNotTls(e.InnerException));

    // Parameters that the message does not use become properties of the event under their own names, hence the upper case.
#pragma warning disable SYSLIB1015
    [LoggerMessage(EventId = 1, Message = "Peer {Peer:l} connecting")]
    private partial void LogConnecting(LogLevel level, string peer, string ConnectionId);

    [LoggerMessage(EventId = 5, Message = "Peer {Peer:l} connecting (via {Via:l})")]
    private partial void LogConnectingVia(LogLevel level, string peer, string via, string ConnectionId);

    [LoggerMessage(EventId = 2, Message = "Peer {Peer:l} disconnected")]
    private partial void LogDisconnected(
        LogLevel level, string peer, string ConnectionId, string Reason, double DurationSeconds, long ReceivedBytes, long SentBytes);

    [LoggerMessage(EventId = 6, Message = "Peer {Peer:l} disconnected: {Why:l} after {Seconds:l} s, {ReceivedBytes} {Unit:l}")]
    private partial void LogDisconnectedBecause(
        LogLevel level, string peer, string why, string seconds, long receivedBytes, string unit,
        string ConnectionId, string Reason, double DurationSeconds, long SentBytes);

    [LoggerMessage(EventId = 3, Message = "Error with peer {Peer:l}: connection reset by peer")]
    private partial void LogReset(LogLevel level, string peer, string ConnectionId);

    [LoggerMessage(4, LogLevel.Warning, "Error with peer {Peer:l}: {Problem:l}")]
    private partial void LogFailed(string peer, string problem, string ConnectionId, Exception? exception);

    [LoggerMessage(10, LogLevel.Information, "Peer {Peer:l} gets faults: {Faults:l}")]
    private partial void LogFaulty(string peer, string faults, string ConnectionId);
#pragma warning restore SYSLIB1015

    [LoggerMessage(7, LogLevel.Information, "{LeftOut} more peers connected but were not logged (limit {Limit} a second)")]
    private partial void LogConnectingLeftOut(int leftOut, int limit);

    [LoggerMessage(8, LogLevel.Information, "{LeftOut} more peers disconnected but were not logged (limit {Limit} a second)")]
    private partial void LogDisconnectedLeftOut(int leftOut, int limit);

    [LoggerMessage(9, LogLevel.Warning, "{LeftOut} more errors with peers were not logged (limit {Limit} a second)")]
    private partial void LogErrorsLeftOut(int leftOut, int limit);

    [LoggerMessage(11, LogLevel.Information, "{LeftOut} more peers got faults but were not logged (limit {Limit} a second)")]
    private partial void LogFaultyLeftOut(int leftOut, int limit);
}
