using System.Diagnostics;

namespace EchoHost.Peers.Load;

/// <summary>One of the connections that a load test has at a time, and its messages, which are numbered from 0.</summary>
internal abstract class LoadSlot(int number, LoadContext context)
{
    private static readonly TimeSpan FirstRest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);

    private TimeSpan _rest = FirstRest;
    private long _answered;
    private long _lastAnswer;
    private volatile bool _isStopping;

    /// <summary>How many messages came back.</summary>
    public long Answered => Volatile.Read(ref _answered);

    /// <summary>When the last of them did, as a <see cref="Stopwatch"/> timestamp; 0 where none did.</summary>
    public long LastAnswer => Volatile.Read(ref _lastAnswer);

    protected int Number { get; } = number;

    protected LoadContext Context { get; } = context;

    /// <summary>Nothing falls due any more.</summary>
    protected bool IsStopping => _isStopping;

    /// <summary>Canceled when what is missing by now is given up.</summary>
    protected CancellationToken GivenUp => Context.GivenUp;

    /// <summary>Makes the first connection, before anything is measured.</summary>
    /// <exception cref="PeerException">It could not be made.</exception>
    public virtual Task OpenAsync(CancellationToken stop) => Task.CompletedTask;

    /// <summary>Sends and receives until the end.</summary>
    public abstract Task RunAsync();

    /// <summary>In an open loop: so many more messages are due.</summary>
    public abstract void OnDue(long messages);

    /// <summary>Ends a connection whose messages don't come back; called now and then.</summary>
    public virtual void Watch()
    {
    }

    /// <summary>Nothing falls due any more: <see cref="RunAsync"/> ends when what is under way is back.</summary>
    public virtual void Stop() => _isStopping = true;

    /// <summary>Called when <see cref="GivenUp"/> was canceled.</summary>
    public virtual void GiveUp()
    {
    }

    /// <summary>Counts a message that came back.</summary>
    /// <param name="begin">When it was sent, or in an open loop due, as a <see cref="Stopwatch"/> timestamp.</param>
    /// <param name="now">When it was back.</param>
    protected void CountAnswered(long begin, long now)
    {
        Context.Tally.Latency.Record(Stopwatch.GetElapsedTime(begin, now));
        Volatile.Write(ref _answered, _answered + 1);
        Volatile.Write(ref _lastAnswer, now);
        _rest = FirstRest;
    }

    /// <summary>A message is not back in time.</summary>
    protected PeerException TimedOut => GivenUp.IsCancellationRequested ? new(ProbeResult.Timeout, "a message was not back at the end") : new(ProbeResult.Timeout, $"a message was not back within {ConnectionProgress.Text(Context.Options.Timeout)}");

    /// <summary>Counts messages that should be back and are not.</summary>
    protected void CountMissing(long messages)
    {
        if (messages > 0 && !Context.IsInterrupted)
        {
            Context.Tally.Failed(TimedOut, messages);
        }
    }

    /// <summary>Rests after a failure, longer each time until one succeeds, so that a peer that is gone is not run against.</summary>
    protected async Task RestAsync()
    {
        var rest = _rest;
        _rest = rest * 2 < LongestRest ? rest * 2 : LongestRest;
        await Task.Delay(rest, GivenUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
