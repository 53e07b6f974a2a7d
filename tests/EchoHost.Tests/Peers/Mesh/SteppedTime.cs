using System.Collections.Concurrent;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>
/// A clock that stands still but for what the test does. The fake it is made of fires every timer at the end of the time it
/// is told to pass, so that this one passes from one timer to the next. The fake also leaves timers to another thread that is
/// just creating one, so that each step waits until what is due has been done.
/// </summary>
internal sealed class SteppedTime : FakeTimeProvider
{
    /// <summary>Timers this near to one another fire together.</summary>
    private static readonly TimeSpan MinStep = TimeSpan.FromMilliseconds(1);

    private readonly ConcurrentDictionary<Timer, bool> _timers = new();

    /// <summary>How many callbacks are under way.</summary>
    private int _running;

    /// <summary>How far it has gone.</summary>
    public TimeSpan Elapsed => GetUtcNow() - Start;

    /// <summary>How many timers there are, each to fire at some time.</summary>
    public int Pending => _timers.Count;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Begin(fire => base.CreateTimer(fire, null, dueTime, period), dueTime, period);
        _timers[timer] = true;
        return timer;
    }

    /// <summary>Lets time pass. What awaits a timer goes on before the next step.</summary>
    public void Pass(TimeSpan time)
    {
        // With a context of the test's, what awaits would go on elsewhere.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            for (var end = Elapsed + time; Elapsed < end;)
            {
                var next = NextDue() is var due && due < end ? due : end;
                Advance(next - Elapsed > MinStep ? next - Elapsed : MinStep);
                Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref _running) == 0 && NextDue() > Elapsed, Wait.Limit), "a timer does not fire");
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private TimeSpan NextDue()
    {
        var next = long.MaxValue;
        // Not Keys, which copies them.
        foreach (var (timer, _) in _timers)
        {
            next = Math.Min(next, timer.Due);
        }

        return TimeSpan.FromTicks(next);
    }

    private sealed class Timer(SteppedTime time, TimerCallback callback, object? state) : ITimer
    {
        private const long Never = long.MaxValue;

        private readonly Lock _lock = new();
        private ITimer? _timer;
        private long _due = Never;
        private int _changes;

        /// <summary>When it fires next, in ticks since the clock's start.</summary>
        public long Due => Volatile.Read(ref _due);

        public void Begin(Func<TimerCallback, ITimer> create, TimeSpan dueTime, TimeSpan period) =>
            Set(() => _timer = create(_ => Fire(period)), dueTime);

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException("nothing here changes a timer");

        public void Dispose()
        {
            Set(() => _timer!.Dispose(), Timeout.InfiniteTimeSpan);
            time._timers.TryRemove(this, out _);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        /// <summary>The time is looked at after the change, so that the fake never fires later than is expected here.</summary>
        private void Set(Action change, TimeSpan dueTime)
        {
            int mine;
            lock (_lock)
            {
                mine = ++_changes;
                _due = Never;
            }

            change();
            lock (_lock)
            {
                // Unless it has fired meanwhile.
                if (_changes == mine && dueTime >= TimeSpan.Zero)
                {
                    _due = time.Elapsed.Ticks + dueTime.Ticks;
                }
            }
        }

        private void Fire(TimeSpan period)
        {
            Interlocked.Increment(ref time._running);
            try
            {
                lock (_lock)
                {
                    _changes++;
                    _due = period > TimeSpan.Zero && _due != Never ? _due + period.Ticks : Never;
                }

                callback(state);
            }
            finally
            {
                Interlocked.Decrement(ref time._running);
            }
        }
    }
}
