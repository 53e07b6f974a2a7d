namespace EchoHost.Peers;

/// <summary>
/// A time within which something must be done, made where it is asked for and passed down to all that is done for it.
/// Passing it is a <see cref="PeerException"/>, being told to stop is not.
/// </summary>
internal sealed class TimeLimit : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly TimeSpan _told;
    private readonly TimeProvider _time;
    private readonly CancellationToken _stop;
    private readonly CancellationTokenSource _over;
    private readonly CancellationTokenSource _either;
    private readonly long _start;

    /// <param name="limit">How long it may take.</param>
    /// <param name="time">What it goes by.</param>
    /// <param name="stop">Being told to stop.</param>
    public TimeLimit(TimeSpan limit, TimeProvider time, CancellationToken stop)
        : this(limit, limit, time, stop)
    {
    }

    // What an error says (told) is the user's own figure where that can be.
    private TimeLimit(TimeSpan limit, TimeSpan told, TimeProvider time, CancellationToken stop)
    {
        (_limit, _told, _time, _stop) = (limit, told, time, stop);
        _start = time.GetTimestamp();
        _over = new CancellationTokenSource(limit, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_over.Token, stop);
    }

    /// <summary>How long it may take from its beginning.</summary>
    public TimeSpan Total => _limit;

    /// <summary>How much of it is left; never less than nothing.</summary>
    private TimeSpan Left => _limit - _time.GetElapsedTime(_start) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <summary>An equal share of what is left, where <paramref name="count"/> are to be tried one after the other.</summary>
    public TimeLimit Share(int count) => new(Left / count, count == 1 ? _told : Left / count, _time, _either.Token);

    /// <summary>Does it with a token that is canceled when the time is over.</summary>
    /// <param name="act">What is to be done.</param>
    /// <param name="missing">What is then missing, in words.</param>
    /// <exception cref="PeerException">The time was over.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> act, Func<string> missing)
    {
        try
        {
            // What needs no time at all would not notice.
            _either.Token.ThrowIfCancellationRequested();
            return await act(_either.Token);
        }
        catch (Exception e) when (_either.IsCancellationRequested && e is not PeerException)
        {
            // However the canceled call has put it.
            throw _stop.IsCancellationRequested
                ? new OperationCanceledException(e.Message, e, _stop)
                : new PeerException(ProbeResult.Timeout, $"{missing()} within {ConnectionProgress.Text(_told)}", e);
        }
    }

    public void Dispose()
    {
        _either.Dispose();
        _over.Dispose();
    }
}
