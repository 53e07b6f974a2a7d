using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Kestrel.Epoll;

/// <summary>
/// Runs a listener's connections from the event loop that each belongs to, where Kestrel would start each on the thread pool.
/// </summary>
/// <param name="chain">Handles a connection: the end point's middleware.</param>
/// <param name="logger">The log.</param>
/// <param name="endLimit">
/// How long the last connections have to end, first by themselves and then after they were aborted; null for 1 s.
/// </param>
internal sealed partial class LoopStart(ConnectionDelegate chain, ILogger logger, TimeSpan? endLimit = null)
{
    private readonly TimeSpan _endLimit = endLimit ?? TimeSpan.FromSeconds(1);
    private readonly HashSet<EpollConnection> _running = [];
    private TaskCompletionSource? _allEnded;
    private bool _isStopped;

    /// <summary>
    /// Starts a connection on its loop, once that is done with the events at hand. One that comes after the stop is ended.
    /// </summary>
    public void Begin(EpollConnection connection)
    {
        lock (_running)
        {
            if (!_isStopped)
            {
                _running.Add(connection);
                connection.Loop.Schedule(connection);
                return;
            }
        }

        connection.Abort(Stopped());
        _ = connection.DisposeAsync().AsTask();
    }

    /// <summary>Runs a connection to its end. Called on its loop.</summary>
    public async Task RunAsync(EpollConnection connection)
    {
        try
        {
            await chain(connection);
        }
        catch (Exception e) when (e is ConnectionResetException or ConnectionAbortedException)
        {
            LogAborted(logger, e, connection.ConnectionId);
        }
        catch (Exception e)
        {
            LogFailed(logger, e, connection.ConnectionId);
        }

        await connection.DisposeAsync();
        lock (_running)
        {
            _running.Remove(connection);
            if (_running.Count == 0)
            {
                _allEnded?.TrySetResult();
            }
        }
    }

    /// <summary>
    /// Waits for the connections to end, for a limited time, and aborts those that do not. Call it when none are accepted any more.
    /// </summary>
    public async Task StopAsync()
    {
        lock (_running)
        {
            _isStopped = true;
        }

        if (await AllEndAsync())
        {
            return;
        }

        EpollConnection[] left;
        lock (_running)
        {
            left = [.. _running];
        }

        foreach (var connection in left)
        {
            connection.Abort(Stopped());
        }

        if (await AllEndAsync())
        {
            return;
        }

        int count;
        lock (_running)
        {
            count = _running.Count;
        }

        if (count > 0)
        {
            LogLeft(logger, count);
        }
    }

    private static ConnectionAbortedException Stopped() => new("The server has stopped");

    /// <summary>Whether all connections end within the limit.</summary>
    private async Task<bool> AllEndAsync()
    {
        Task allEnded;
        lock (_running)
        {
            if (_running.Count == 0)
            {
                return true;
            }

            allEnded = (_allEnded ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        return await Task.WhenAny(allEnded, Task.Delay(_endLimit)) == allEnded;
    }

    [LoggerMessage(4, LogLevel.Error, "Connection {ConnectionId} ended with an unhandled exception")]
    private static partial void LogFailed(ILogger logger, Exception exception, string connectionId);

    [LoggerMessage(5, LogLevel.Debug, "Connection {ConnectionId} was reset or aborted")]
    private static partial void LogAborted(ILogger logger, Exception exception, string connectionId);

    [LoggerMessage(6, LogLevel.Warning, "The server has stopped and aborted its connections, but some have not ended: {Count}")]
    private static partial void LogLeft(ILogger logger, int count);
}
