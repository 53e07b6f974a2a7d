using EchoHost.Connections.Tracking;
using EchoHost.Metrics;

namespace EchoHost.Connections.Faults;

/// <summary>
/// The end of a connection with faults: the times after which the host closes or resets it, and what ends the waits of its other
/// faults.
/// </summary>
internal sealed class FaultyEnd : IAsyncDisposable
{
    /// <summary>How long bytes that were echoed before a reset may take to the client's kernel. Real time, like the network.</summary>
    private static readonly TimeSpan MaxDelivery = TimeSpan.FromSeconds(1);

    private readonly TrackedConnection _tracked;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _haste = new();
    private readonly CancellationTokenSource _over = new();
    private readonly CancellationTokenRegistration _closed;
    private readonly ITimer? _close;
    private readonly ITimer? _reset;

    /// <param name="tracked">The connection.</param>
    /// <param name="options">The faults.</param>
    /// <param name="time">The clock.</param>
    /// <param name="closed">Canceled when the transport has lost the client.</param>
    public FaultyEnd(TrackedConnection tracked, FaultOptions options, TimeProvider time, CancellationToken closed)
    {
        _tracked = tracked;
        _time = time;
        tracked.OnAborted = Stop;
        // A stalled connection reads nothing, so that nothing else tells that the client is gone.
        _closed = options.Stalled ? closed.Register(Stop) : default;
        _close = After(options.CloseAfter, Close);
        _reset = After(options.ResetAfter, Reset);
    }

    /// <summary>Whether nothing more is read or echoed.</summary>
    public bool IsOver => _over.IsCancellationRequested;

    /// <summary>Canceled when the host closes the connection for another reason: what waits is then echoed at once.</summary>
    public CancellationToken Haste => _haste.Token;

    /// <summary>Canceled when the connection is over: what waits is dropped.</summary>
    public CancellationToken Over => _over.Token;

    /// <summary>The host begins to close the connection: ends all waits.</summary>
    public void Hurry() => _haste.Cancel();

    /// <summary>Ends the connection with FIN; nothing that waits is echoed any more.</summary>
    public void Close()
    {
        Stop();
        _tracked.RequestClose(CloseReason.Fault);
    }

    /// <summary>Ends the connection with RST.</summary>
    public void Reset() => _tracked.Abort(CloseReason.Fault);

    /// <summary>Ends the connection with RST once the client's kernel has all that was sent, since RST drops what is on its way.</summary>
    public async Task ResetAfterDeliveryAsync()
    {
        using var limit = new CancellationTokenSource(MaxDelivery);
        while (TcpInfo.Read(_tracked.Socket) is { SendQueueBytes: > 0 } && !limit.IsCancellationRequested)
        {
            await Task.Delay(1, CancellationToken.None);
        }

        Reset();
    }

    /// <summary>Waits until the host ends the connection, or the transport has lost the client.</summary>
    public async Task WaitAsync() => await Task.Delay(Timeout.Infinite, Haste).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Waits until a timestamp, or until the connection is to end.</summary>
    public async Task WaitAsync(long due)
    {
        // A timer may be early.
        while (!Haste.IsCancellationRequested && _time.GetElapsedTime(_time.GetTimestamp(), due) is var left && left > TimeSpan.Zero)
        {
            await Task.Delay(WholeMilliseconds(left), _time, Haste).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Ends all waits; what has not been echoed is dropped.</summary>
    public void Stop()
    {
        _over.Cancel();
        _haste.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        _tracked.OnAborted = null;
        await _closed.DisposeAsync();
        if (_close is not null)
        {
            await _close.DisposeAsync();
        }

        if (_reset is not null)
        {
            await _reset.DisposeAsync();
        }

        // Not the sources of the tokens: an abort from another thread may still come, and they hold nothing that needs it.
    }

    private ITimer? After(TimeSpan? age, Action act)
    {
        if (age is not { } limit)
        {
            return null;
        }

        if (limit <= _tracked.Age)
        {
            // At once, before the service has a chance to answer.
            act();
            return null;
        }

        ITimer? timer = null;
        timer = _time.CreateTimer(_ => Look(), null, WholeMilliseconds(limit - _tracked.Age), Timeout.InfiniteTimeSpan);
        return timer;

        void Look()
        {
            // A timer may be early.
            if (limit - _tracked.Age is var left && left > TimeSpan.Zero)
            {
                timer?.Change(WholeMilliseconds(left), Timeout.InfiniteTimeSpan);
            }
            else
            {
                act();
            }
        }
    }

    /// <summary>The time for a timer, which counts whole milliseconds.</summary>
    private static TimeSpan WholeMilliseconds(TimeSpan time) => TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling(time.TotalMilliseconds)));
}
