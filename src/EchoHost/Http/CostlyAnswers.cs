using System.Buffers;

namespace EchoHost.Http;

/// <summary>
/// Limits the cost of responses that take long to generate, such as a list of 10,000 connections. They are generated one at
/// a time, and the work is followed by rest, so that over time it takes at most a share of one processor, whatever clients
/// request. The occasional request of a person or a scraper never waits. Clients with the same request meanwhile share a
/// response.
/// </summary>
/// <typeparam name="TKey">The parameters of a response.</typeparam>
/// <param name="keep">
/// How long a response may be reused for later requests; with zero, each request gets one that was started after it.
/// </param>
/// <param name="share">The share of one processor, above 0, at most 1.</param>
/// <param name="time">
/// The clock that measures the work. In production the system's, because real processor time is limited.
/// </param>
internal sealed class CostlyAnswers<TKey>(TimeSpan keep, double share, TimeProvider time) : IDisposable
    where TKey : notnull
{
    /// <summary>The maximum number of kept responses.</summary>
    internal const int MaxKept = 8;

    /// <summary>
    /// The rest that may be owed before the next response must wait: with a share of 1/20, that of about half a second of work.
    /// </summary>
    internal static readonly TimeSpan Burst = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The maximum rest after one response. Work that would need more was held up by something else, such as a pause of the
    /// machine.
    /// </summary>
    internal static readonly TimeSpan MaxRest = TimeSpan.FromSeconds(2);

    /// <summary>How long a client waits for those ahead of it.</summary>
    internal static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);

    /// <summary>How long a response is kept beyond <c>keep</c>, for clients that asked before it was started.</summary>
    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _one = new(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, Answer> _kept = [];
    private ITimer? _forgetting;
    private long _owedAt;
    private TimeSpan _owed;

    /// <summary>The number of kept responses.</summary>
    internal int Kept
    {
        get
        {
            lock (_lock)
            {
                return _kept.Count;
            }
        }
    }

    /// <summary>Returns a kept response or a new one.</summary>
    /// <param name="key">The parameters of the response.</param>
    /// <param name="make">
    /// Generates it. It is not cancelled, so that clients that request and leave do not cause it to start over each time.
    /// </param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The response; null if too many others are queued.</returns>
    public async ValueTask<ReadOnlySequence<byte>?> GetAsync(TKey key, Func<TKey, ValueTask<ReadOnlySequence<byte>>> make, CancellationToken cancellationToken)
    {
        var asked = time.GetTimestamp();
        if (Find(key, asked) is { } kept)
        {
            return kept;
        }

        if (!await HasTurnAsync(cancellationToken))
        {
            return null;
        }

        try
        {
            return Find(key, asked) ?? await MakeAsync(key, make, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose()
    {
        _forgetting?.Dispose();
        _one.Dispose();
    }

    private async ValueTask<bool> HasTurnAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(MaxWait, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await _one.WaitAsync(stop.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private ReadOnlySequence<byte>? Find(TKey key, long asked)
    {
        lock (_lock)
        {
            return _kept.TryGetValue(key, out var answer) && time.GetElapsedTime(answer.Begun, asked) <= keep ? answer.Body : null;
        }
    }

    private async ValueTask<ReadOnlySequence<byte>> MakeAsync(TKey key, Func<TKey, ValueTask<ReadOnlySequence<byte>>> make, CancellationToken cancellationToken)
    {
        if (Owed() - Burst is var rest && rest > TimeSpan.Zero)
        {
            await Task.Delay(rest, time, cancellationToken);
        }

        var (begun, owed) = (time.GetTimestamp(), Owed());
        try
        {
            var body = await make(key);
            Keep(key, new Answer(begun, body));
            return body;
        }
        finally
        {
            var wanted = time.GetElapsedTime(begun) * ((1 / share) - 1);
            (_owed, _owedAt) = (owed + (wanted < MaxRest ? wanted : MaxRest), time.GetTimestamp());
        }
    }

    /// <summary>The rest still owed; elapsed time counts as rest.</summary>
    private TimeSpan Owed() => _owed - time.GetElapsedTime(_owedAt) is var owed && owed > TimeSpan.Zero ? owed : TimeSpan.Zero;

    private void Keep(TKey key, in Answer answer)
    {
        lock (_lock)
        {
            _kept[key] = answer;
            if (_kept.Count > MaxKept)
            {
                _kept.Remove(_kept.MinBy(kept => kept.Value.Begun).Key);
            }

            _forgetting ??= time.CreateTimer(_ => Forget(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _forgetting.Change(keep + Hold, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Drops all kept responses, when none has been generated for a while.</summary>
    private void Forget()
    {
        lock (_lock)
        {
            _kept.Clear();
        }
    }

    private readonly record struct Answer(long Begun, ReadOnlySequence<byte> Body);
}
