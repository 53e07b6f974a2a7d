using System.Diagnostics;

namespace EchoHost.Peers.Load;

/// <summary>One of the concurrent connections of a load test. Numbers its messages from 0.</summary>
internal abstract class LoadSlot(int number, LoadContext context)
{
    private static readonly TimeSpan FirstRest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);

    private TimeSpan _rest = FirstRest;
    private long _answered;
    private long _lastAnswer;
    private volatile bool _isStopping;

    /// <summary>The number of messages that came back.</summary>
    public long Answered => Volatile.Read(ref _answered);

    /// <summary>When the last message came back, as a <see cref="Stopwatch"/> timestamp; 0 if none did.</summary>
    public long LastAnswer => Volatile.Read(ref _lastAnswer);

    protected int Number { get; } = number;

    protected LoadContext Context { get; } = context;

    /// <summary>Whether no more messages fall due.</summary>
    protected bool IsStopping => _isStopping;

    /// <summary>Canceled when the test stops waiting for missing messages.</summary>
    protected CancellationToken GivenUp => Context.GivenUp;

    /// <summary>Makes the first connection, before the measurement begins.</summary>
    /// <exception cref="PeerException">The connection could not be made.</exception>
    public virtual Task OpenAsync(CancellationToken stop) => Task.CompletedTask;

    /// <summary>Sends and receives messages until the end of the test.</summary>
    public abstract Task RunAsync();

    /// <summary>Announces, in an open loop, that more messages are due.</summary>
    /// <param name="messages">The number of further messages.</param>
    public abstract void OnDue(long messages);

    /// <summary>Ends the connection if a message is not back in time. Called at regular intervals.</summary>
    public virtual void Watch()
    {
    }

    /// <summary>Stops sending: no more messages fall due. <see cref="RunAsync"/> ends when the messages under way are back.</summary>
    public virtual void Stop() => _isStopping = true;

    /// <summary>Ends the connection, after <see cref="GivenUp"/> was canceled.</summary>
    public virtual void GiveUp()
    {
    }

    /// <summary>Counts a message that came back.</summary>
    /// <param name="begin">When it was sent (in an open loop: due), as a <see cref="Stopwatch"/> timestamp.</param>
    /// <param name="now">When it came back, as a timestamp.</param>
    protected void CountAnswered(long begin, long now)
    {
        Context.Tally.Latency.Record(Stopwatch.GetElapsedTime(begin, now));
        Volatile.Write(ref _answered, _answered + 1);
        Volatile.Write(ref _lastAnswer, now);
        _rest = FirstRest;
    }

    /// <summary>The failure of a message that is not back in time.</summary>
    protected PeerException TimedOut => new(
        ProbeResult.Timeout,
        GivenUp.IsCancellationRequested
            ? "a message was not back at the end"
            : $"a message was not back within {ConnectionProgress.Text(Context.Options.Timeout)}");

    /// <summary>Counts messages that should be back and are not.</summary>
    protected void CountMissing(long messages)
    {
        if (messages > 0 && !Context.IsInterrupted)
        {
            Context.Tally.Failed(TimedOut, messages);
        }
    }

    /// <summary>Waits after a failure, longer each time until a message succeeds, so as not to hammer a dead peer.</summary>
    protected async Task RestAsync()
    {
        var rest = _rest;
        _rest = rest * 2 < LongestRest ? rest * 2 : LongestRest;
        await Task.Delay(rest, GivenUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
