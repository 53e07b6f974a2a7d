using System.Collections.Concurrent;
using System.Diagnostics;
using EchoHost.Peers.Load;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers.Load;

public class LoadScheduleTests
{
    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(1000, 50, 10, 10_000)]
    [InlineData(3, 2, 1.5, 5)]
    [InlineData(100, 1, 0.14, 14)]
    [InlineData(200, 1, 0.14, 28)]
    [InlineData(1, 5, 0.001, 1)]
    [InlineData(10_000_000, 1, 86_400, 864_000_000_000)]
    public void So_many_messages_fall_due(int rate, int connections, double seconds, long count) =>
        Assert.Equal(count, new LoadSchedule(0, rate, connections, TimeSpan.FromSeconds(seconds)).Count);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1_000)]
    [InlineData(333_333)]
    public void Messages_are_due_evenly_spread_and_do_not_drift(int rate)
    {
        const long start = 1_000_000_007;
        var schedule = new LoadSchedule(start, rate, 3, TimeSpan.FromHours(1));
        Assert.Equal(start, schedule.DueAt(0));
        foreach (var message in new[] { 1L, 2, 1_000, 3_600L * rate })
        {
            // Exact to one tick, however far in the future.
            Assert.InRange(
                schedule.DueAt(message),
                start + (long)((decimal)message * Stopwatch.Frequency / rate) - 1,
                start + (long)((decimal)message * Stopwatch.Frequency / rate) + 1);
        }
    }

    [Fact]
    public void Connections_take_turns()
    {
        var schedule = new LoadSchedule(42, 100, 3, TimeSpan.FromSeconds(1));
        Assert.Equal([0, 1, 2, 0, 1], Enumerable.Range(0, 5).Select(message => schedule.ConnectionOf(message)));
        for (var message = 0; message < 30; message++)
        {
            Assert.Equal(schedule.DueAt(message), schedule.DueAt(message % 3, message / 3));
        }
    }

    [Fact]
    public async Task Each_is_called_for_in_its_turn_and_never_early()
    {
        var called = new ConcurrentQueue<(int Connection, long Messages, long At)>();
        var schedule = new LoadSchedule(Stopwatch.GetTimestamp(), 1_000, 3, TimeSpan.FromMilliseconds(50));
        await schedule.RunAsync(
            (connection, messages) => called.Enqueue((connection, messages, Stopwatch.GetTimestamp())),
            CancellationToken.None).WaitAsync(Wait.Limit);
        var told = new long[3];
        foreach (var (connection, messages, at) in called)
        {
            told[connection] += messages;
            Assert.True(at >= schedule.DueAt(connection, told[connection] - 1), $"message {told[connection] - 1} of connection {connection} was early");
        }

        Assert.Equal([17, 17, 16], told);
    }

    [Fact]
    public async Task What_a_call_holds_up_is_made_up_for()
    {
        List<long> calls = [];
        var schedule = new LoadSchedule(Stopwatch.GetTimestamp(), 1_000, 1, TimeSpan.FromMilliseconds(100));
        await schedule.RunAsync(
            (_, messages) =>
            {
                calls.Add(messages);
                Thread.Sleep(calls.Count == 1 ? 200 : 0);
            },
            CancellationToken.None).WaitAsync(Wait.Limit);
        Assert.Equal(100, calls.Sum());
        Assert.InRange(calls.Count, 1, 2);
    }

    [Theory]
    [InlineData(5_000_000, 7)]
    [InlineData(5_000_000, 1)]
    [InlineData(10_000_000, 1_000)]
    public async Task More_than_the_machine_can_do_is_told_in_time(int rate, int connections)
    {
        var told = new long[connections];
        var schedule = new LoadSchedule(Stopwatch.GetTimestamp(), rate, connections, TimeSpan.FromMilliseconds(300));
        await schedule.RunAsync((connection, messages) => told[connection] += messages, CancellationToken.None).WaitAsync(Wait.Limit);
        Assert.Equal(schedule.Count, told.Sum());
        Assert.InRange(told.Max() - told.Min(), 0, 1);
    }

    [Fact]
    public async Task It_ends_when_it_is_told_to()
    {
        using var stop = new CancellationTokenSource();
        var calls = 0;
        await new LoadSchedule(Stopwatch.GetTimestamp(), 1, 1, TimeSpan.FromHours(1)).RunAsync(
            (_, _) =>
            {
                calls++;
                stop.Cancel();
            },
            stop.Token).WaitAsync(Wait.Limit);
        Assert.Equal(1, calls);
    }
}
