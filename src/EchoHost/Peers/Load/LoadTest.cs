using System.Diagnostics;

namespace EchoHost.Peers.Load;

/// <summary>
/// Sends messages to a peer over many connections and compares every byte that comes back. In a closed loop, each connection
/// sends as soon as its pipeline has room. In an open loop, messages are sent when they are due, even if earlier ones are
/// still under way.
/// </summary>
internal sealed class LoadTest : IDisposable
{
    /// <summary>The maximum number of connects at a time before the test begins.</summary>
    private const int MaxConnecting = 64;

    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>How long to wait for messages under way after the user ends the test.</summary>
    private static readonly TimeSpan LastAnswers = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _givenUp = new();
    private readonly LoadContext _context;
    private readonly LoadSlot[] _slots;
    private long _start;
    private long _end;

    public LoadTest(LoadOptions options, PeerClient client)
    {
        _context = new LoadContext(options, client, new LoadPayload(options.Size), new LoadTally(), _givenUp.Token);
        _slots =
        [
            .. Enumerable.Range(0, options.Connections).Select<int, LoadSlot>(i =>
                options.Reconnects ? new FreshConnections(i, _context) : new KeptConnection(i, _context)),
        ];
    }

    public LoadOptions Options => _context.Options;

    /// <summary>The counts so far.</summary>
    public LoadTally Tally => _context.Tally;

    /// <summary>The number of messages that have come back.</summary>
    public long Messages => _slots.Sum(slot => slot.Answered);

    /// <summary>From the first message sent until sending stopped and the last message was back; until now while the test runs.</summary>
    public TimeSpan Elapsed
    {
        get
        {
            var start = Volatile.Read(ref _start);
            if (start == 0)
            {
                return default;
            }

            var end = Volatile.Read(ref _end);
            return Stopwatch.GetElapsedTime(start, end > 0 ? end : Stopwatch.GetTimestamp());
        }
    }

    /// <summary>
    /// Sends for the duration of the options, or until <paramref name="stop"/> is canceled; then waits for the messages under
    /// way.
    /// </summary>
    /// <exception cref="PeerException">No connection could be made.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        await OpenAsync(stop);
        var start = Stopwatch.GetTimestamp();
        Volatile.Write(ref _start, start);
        using var watch = new LoadWatch(WatchInterval, () => Array.ForEach(_slots, slot => slot.Watch()));
        if (Options.Rate is { } rate)
        {
            _context.Schedule = new LoadSchedule(start, rate, _slots.Length, Options.Duration);
        }

        var running = Task.WhenAll(_slots.Select(slot => Task.Run(slot.RunAsync, CancellationToken.None)));
        await DueAsync(stop);
        var stopped = Stopwatch.GetTimestamp();
        _context.IsInterrupted = stop.IsCancellationRequested;
        Array.ForEach(_slots, slot => slot.Stop());
        var patience = stop.IsCancellationRequested ? LastAnswers : Options.Timeout + WatchInterval;
        await running.WaitAsync(patience, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _givenUp.CancelAsync();
        Array.ForEach(_slots, slot => slot.GiveUp());
        await running;
        Volatile.Write(ref _end, Math.Max(stopped, _slots.Max(slot => slot.LastAnswer)));
    }

    public void Dispose() => _givenUp.Dispose();

    /// <summary>Waits until no more messages fall due.</summary>
    private async Task DueAsync(CancellationToken stop)
    {
        var schedule = _context.Schedule?.RunAsync((connection, messages) => _slots[connection].OnDue(messages), stop)
            ?? Task.CompletedTask;
        await Task.Delay(Options.Duration, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await schedule;
    }

    private async Task OpenAsync(CancellationToken stop)
    {
        PeerException? failure = null;
        var failed = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = MaxConnecting, CancellationToken = stop };
        await Parallel.ForEachAsync(_slots, parallel, async (slot, token) =>
        {
            try
            {
                await slot.OpenAsync(token);
            }
            catch (PeerException e)
            {
                Interlocked.Increment(ref failed);
                failure = e;
                Tally.Failed(e);
            }
        });
        if (failed == _slots.Length)
        {
            throw failure!;
        }
    }
}
