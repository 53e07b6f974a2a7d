namespace EchoHost.Peers;

/// <summary>
/// A time limit for an operation and all its steps. The limit starts when it is created. When it passes, the operation fails
/// with a <see cref="PeerException"/>; when the stop token is canceled, with an <see cref="OperationCanceledException"/>.
/// </summary>
internal sealed class TimeLimit : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly TimeSpan _shown;
    private readonly TimeProvider _time;
    private readonly CancellationToken _stop;
    private readonly CancellationTokenSource _over;
    private readonly CancellationTokenSource _either;
    private readonly long _start;

    /// <param name="limit">How long the operation may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Cancels the operation.</param>
    public TimeLimit(TimeSpan limit, TimeProvider time, CancellationToken stop)
        : this(limit, limit, time, stop)
    {
    }

    // Error messages show the limit that the user gave where possible, not what is left of it.
    private TimeLimit(TimeSpan limit, TimeSpan shown, TimeProvider time, CancellationToken stop)
    {
        _limit = limit;
        _shown = shown;
        _time = time;
        _stop = stop;
        _start = time.GetTimestamp();
        _over = new CancellationTokenSource(limit, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_over.Token, stop);
    }

    /// <summary>The whole limit.</summary>
    public TimeSpan Total => _limit;

    /// <summary>The time left; zero if the limit has passed.</summary>
    private TimeSpan Left => _limit - _time.GetElapsedTime(_start) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <summary>A limit for the next of <paramref name="count"/> attempts: an equal share of the time left.</summary>
    public TimeLimit Share(int count) => new(Left / count, count == 1 ? _shown : Left / count, _time, _either.Token);

    /// <summary>Runs a step with a token that is canceled when the limit passes.</summary>
    /// <param name="act">The step.</param>
    /// <param name="missing">What is missing if the limit passes, for the error message.</param>
    /// <exception cref="PeerException">The limit passed.</exception>
    /// <exception cref="OperationCanceledException">The stop token was canceled.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> act, Func<string> missing)
    {
        try
        {
            // A step that completes synchronously would not look at the token.
            _either.Token.ThrowIfCancellationRequested();
            return await act(_either.Token);
        }
        catch (Exception e) when (_either.IsCancellationRequested && e is not PeerException)
        {
            // A canceled call may throw any exception, not only OperationCanceledException.
            throw _stop.IsCancellationRequested
                ? new OperationCanceledException(e.Message, e, _stop)
                : new PeerException(ProbeResult.Timeout, $"{missing()} within {ConnectionProgress.Text(_shown)}", e);
        }
    }

    public void Dispose()
    {
        _either.Dispose();
        _over.Dispose();
    }
}
