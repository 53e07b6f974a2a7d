using System.Diagnostics;

namespace EchoHost.Peers.Load;

/// <summary>
/// When each message of an open loop is due: evenly spread, the connections taking turns. What is due does not wait for
/// what came before it, so that a peer which falters shows it in every message it holds up.
/// </summary>
/// <param name="start">The first message's time, as a <see cref="Stopwatch"/> timestamp.</param>
/// <param name="rate">Messages a second, all connections together.</param>
/// <param name="connections">How many take turns.</param>
/// <param name="duration">How long messages fall due.</param>
internal sealed class LoadSchedule(long start, int rate, int connections, TimeSpan duration)
{
    private readonly double _ticksPerMessage = Stopwatch.Frequency / (double)rate;

    /// <summary>How many messages fall due in all.</summary>
    public long Count { get; } = (long)Math.Ceiling(rate * (decimal)duration.Ticks / TimeSpan.TicksPerSecond);

    /// <summary>Which connection sends the message.</summary>
    public int ConnectionOf(long message) => (int)(message % connections);

    /// <summary>How many messages are due by a timestamp, were there no end to them.</summary>
    public long DueBy(long timestamp) => (long)((timestamp - start) / _ticksPerMessage) + 1;

    /// <summary>When the message is due.</summary>
    public long DueAt(long message) => start + (long)(message * _ticksPerMessage);

    /// <summary>When a connection's own message is due.</summary>
    public long DueAt(int connection, long number) => DueAt((number * connections) + connection);

    /// <summary>
    /// Tells, on a thread of its own, which connection has how many more messages due when they are, until all were or it
    /// is told to stop. A connection may be told of many at once where the machine does not keep up.
    /// </summary>
    public Task RunAsync(Action<int, long> onDue, CancellationToken stop)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            PreciseSleep.Prepare();
            for (long told = 0; told < Count && !stop.IsCancellationRequested;)
            {
                if (!PreciseSleep.Until(DueAt(told)))
                {
                    continue;
                }

                var due = Math.Clamp(DueBy(Stopwatch.GetTimestamp()), told + 1, Count);
                for (var turn = 0; turn < connections && told + turn < due; turn++)
                {
                    onDue(ConnectionOf(told + turn), ((due - told - turn - 1) / connections) + 1);
                }

                told = due;
            }

            ended.SetResult();
        })
        {
            IsBackground = true,
            Name = "load schedule",
        };
        thread.UnsafeStart();
        return ended.Task;
    }
}
