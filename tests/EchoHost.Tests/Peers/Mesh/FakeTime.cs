namespace EchoHost.Tests.Peers.Mesh;

/// <summary>A clock that stands still but for what the test does. Timers fire in their order, and what awaits them goes on before the next one.</summary>
internal sealed class FakeTime : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    private readonly Lock _lock = new();
    private readonly PriorityQueue<(Timer Timer, int Version), (long Due, long Order)> _queue = new();
    private long _now;
    private long _order;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How far it has gone.</summary>
    public TimeSpan Elapsed => new(Volatile.Read(ref _now));

    public override long GetTimestamp() => Volatile.Read(ref _now);

    public override DateTimeOffset GetUtcNow() => Start + Elapsed;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>How many timers are to fire at some time.</summary>
    public int Pending { get; private set; }

    /// <summary>Lets time pass, to each timer's moment in turn.</summary>
    public void Advance(TimeSpan by)
    {
        // With a context of the test's, what awaits would go on elsewhere.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var end = _now + by.Ticks;
            while (Next(end) is { } timer)
            {
                timer.Fire();
            }

            Volatile.Write(ref _now, end);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private Timer? Next(long end)
    {
        lock (_lock)
        {
            while (_queue.TryPeek(out var next, out var priority) && priority.Due <= end)
            {
                _queue.Dequeue();
                if (next.Version == next.Timer.Version)
                {
                    Volatile.Write(ref _now, Math.Max(_now, priority.Due));
                    return next.Timer;
                }
            }

            return null;
        }
    }

    private void Schedule(Timer timer, TimeSpan due)
    {
        lock (_lock)
        {
            timer.Version++;
            Pending += (due == Timeout.InfiniteTimeSpan ? 0 : 1) - (timer.IsPending ? 1 : 0);
            timer.IsPending = due != Timeout.InfiniteTimeSpan;
            if (due != Timeout.InfiniteTimeSpan)
            {
                _queue.Enqueue((timer, timer.Version), (_now + due.Ticks, _order++));
            }
        }
    }

    private sealed class Timer(FakeTime time, Action callback) : ITimer
    {
        private TimeSpan _period = Timeout.InfiniteTimeSpan;

        public int Version { get; set; }

        public bool IsPending { get; set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            time.Schedule(this, dueTime);
            return true;
        }

        public void Fire()
        {
            time.Schedule(this, _period > TimeSpan.Zero ? _period : Timeout.InfiniteTimeSpan);
            callback();
        }

        public void Dispose() => time.Schedule(this, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
