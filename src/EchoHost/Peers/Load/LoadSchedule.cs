using System.Diagnostics;

namespace EchoHost.Peers.Load;

/// <summary>
/// The schedule of an open loop. Messages are due at even intervals, and the connections take turns. A message does not wait
/// for earlier ones, so a stall of the peer shows in the latency of every message that it delays.
/// </summary>
/// <param name="start">When the first message is due, as a <see cref="Stopwatch"/> timestamp.</param>
/// <param name="rate">Messages per second over all connections.</param>
/// <param name="connections">The number of connections.</param>
/// <param name="duration">The time during which messages fall due.</param>
internal sealed class LoadSchedule(long start, int rate, int connections, TimeSpan duration)
{
    private readonly double _ticksPerMessage = Stopwatch.Frequency / (double)rate;

    /// <summary>The total number of messages.</summary>
    public long Count { get; } = (long)Math.Ceiling(rate * (decimal)duration.Ticks / TimeSpan.TicksPerSecond);

    /// <summary>The connection that sends a message.</summary>
    public int ConnectionOf(long message) => (int)(message % connections);

    /// <summary>The number of messages due by a timestamp, regardless of <see cref="Count"/>.</summary>
    public long DueBy(long timestamp) => (long)((timestamp - start) / _ticksPerMessage) + 1;

    /// <summary>When a message is due, as a timestamp.</summary>
    public long DueAt(long message) => start + (long)(message * _ticksPerMessage);

    /// <summary>When a message of a connection is due, as a timestamp.</summary>
    /// <param name="connection">The number of the connection.</param>
    /// <param name="number">The number of the message on that connection.</param>
    public long DueAt(int connection, long number) => DueAt((number * connections) + connection);

    /// <summary>
    /// Runs the schedule on a dedicated thread until every message was due, or <paramref name="stop"/> is canceled. If the
    /// machine does not keep up, one call announces several messages.
    /// </summary>
    /// <param name="onDue">Receives the number of a connection, and how many more messages are due on it.</param>
    /// <param name="stop">Ends the schedule early.</param>
    public Task RunAsync(Action<int, long> onDue, CancellationToken stop)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            PreciseSleep.Prepare();
            for (long announced = 0; announced < Count && !stop.IsCancellationRequested;)
            {
                if (!PreciseSleep.Until(DueAt(announced)))
                {
                    continue;
                }

                var due = Math.Clamp(DueBy(Stopwatch.GetTimestamp()), announced + 1, Count);
                for (var turn = 0; turn < connections && announced + turn < due; turn++)
                {
                    onDue(ConnectionOf(announced + turn), ((due - announced - turn - 1) / connections) + 1);
                }

                announced = due;
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
