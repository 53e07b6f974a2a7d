using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>
/// A clock that stands still but for what the test does. The fake it is made of fires every timer at the end of the time it
/// is told to pass, so that this one passes in small steps: a timer is late by less than one.
/// </summary>
internal sealed class SteppedTime : FakeTimeProvider
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private int _pending;

    /// <summary>How far it has gone.</summary>
    public TimeSpan Elapsed => GetUtcNow() - Start;

    /// <summary>How many timers there are, each to fire at some time.</summary>
    public int Pending => Volatile.Read(ref _pending);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Interlocked.Increment(ref _pending);
        return new Timer(base.CreateTimer(callback, state, dueTime, period), () => Interlocked.Decrement(ref _pending));
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
                Advance(end - Elapsed < Step ? end - Elapsed : Step);
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private sealed class Timer(ITimer timer, Action onDisposed) : ITimer
    {
        private int _isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(dueTime, period);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            {
                timer.Dispose();
                onDisposed();
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
