using System.Buffers;

namespace EchoHost.Http;

/// <summary>
/// Answers that take long to make, such as a list of 10,000 connections. They are made one at a time, and each is owed a
/// rest, so that they take no more than a share of one processor for long, however many clients ask and for what. The
/// few calls of a person or a scraper never wait. Clients that ask for the same meanwhile get the same answer.
/// </summary>
/// <typeparam name="TKey">What an answer depends on, besides the moment.</typeparam>
/// <param name="keep">For how long an answer is good for clients that ask later; with zero each gets one that was begun after it had asked.</param>
/// <param name="share">The share of one processor, above 0, at most 1.</param>
/// <param name="time">What the work is measured by: the machine's clock, since it is the machine's processor.</param>
internal sealed class CostlyAnswers<TKey>(TimeSpan keep, double share, TimeProvider time) : IDisposable
    where TKey : notnull
{
    /// <summary>How many answers are kept.</summary>
    internal const int MaxKept = 8;

    /// <summary>How much rest may be owed before the next answer has to wait: at a share of a twentieth, that of half a second of work.</summary>
    internal static readonly TimeSpan Burst = TimeSpan.FromSeconds(10);

    /// <summary>The longest rest. What took longer than its share of that was held up by other things, such as a pause of the machine.</summary>
    internal static readonly TimeSpan MaxRest = TimeSpan.FromSeconds(2);

    /// <summary>How long a client waits for those before it.</summary>
    internal static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);

    /// <summary>How long an answer is held for clients that had asked before it was begun; after that its memory is given back.</summary>
    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _one = new(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, Answer> _kept = [];
    private ITimer? _forgetting;
    private long _owedAt;
    private TimeSpan _owed;

    /// <summary>How many answers are held now.</summary>
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

    /// <summary>An answer that was made already, or a new one.</summary>
    /// <param name="key">What is asked for.</param>
    /// <param name="make">Makes it. It is not canceled, so that clients that ask and leave don't have it made again and again.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The answer; null where too many others are to be made first.</returns>
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

    /// <summary>Time that passes is rest.</summary>
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

    /// <summary>Called when none has been made for a while.</summary>
    private void Forget()
    {
        lock (_lock)
        {
            _kept.Clear();
        }
    }

    private readonly record struct Answer(long Begun, ReadOnlySequence<byte> Body);
}

internal static class CostlyAnswer
{
    private const string RetryAfterSeconds = "1";

    /// <summary>Sends an answer with its length; 503 where there is none. For HEAD nothing is made, since it is not sent.</summary>
    /// <param name="context">The call.</param>
    /// <param name="contentType">What the answer is.</param>
    /// <param name="get">Gets the answer; null where too many others are to be made first.</param>
    public static async Task WriteAsync(HttpContext context, string contentType, Func<CancellationToken, ValueTask<ReadOnlySequence<byte>?>> get)
    {
        if (HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.ContentType = contentType;
            return;
        }

        if (await get(context.RequestAborted) is not { } answer)
        {
            context.Response.Headers.RetryAfter = RetryAfterSeconds;
            await new HttpProblem(StatusCodes.Status503ServiceUnavailable, "too many others ask at the moment; ask again in a second").ExecuteAsync(context);
            return;
        }

        context.Response.ContentType = contentType;
        context.Response.ContentLength = answer.Length;
        foreach (var segment in answer)
        {
            await context.Response.Body.WriteAsync(segment, context.RequestAborted);
        }
    }
}
