using System.Threading.Tasks.Sources;

namespace Kestrel.Epoll;

/// <summary>
/// Code that awaits what another thread will bring. All members but those that set the result or hand it out are for
/// code that holds the lock of what is waited for.
/// </summary>
/// <param name="continuesOnLoop">Whether the awaiting code goes on right where the result is set, or on the thread pool.</param>
internal struct Wait<TResult>(bool continuesOnLoop)
{
    private ManualResetValueTaskSourceCore<TResult> _source = new() { RunContinuationsAsynchronously = !continuesOnLoop };
    private CancellationTokenRegistration _cancellation;

    /// <summary>Whether code awaits a result that has not been decided on yet.</summary>
    public bool IsPending { get; private set; }

    /// <summary>Whether the token that the code gave has been canceled meanwhile.</summary>
    public bool IsCanceled { get; private set; }

    /// <summary>The token that the awaiting code gave.</summary>
    public CancellationToken Token { get; private set; }

    /// <summary>Begins a wait, and gives its number.</summary>
    public short Begin(CancellationToken token)
    {
        _source.Reset();
        (IsPending, IsCanceled, Token) = (true, false, token);
        return _source.Version;
    }

    /// <summary>A token has been canceled; false when that comes too late, and the wait is over or another.</summary>
    public bool TryCancel(CancellationToken token) => IsPending && Token == token && (IsCanceled = true);

    /// <summary>Keeps what has to be undone when the wait is over; false when it is over already.</summary>
    public bool TryKeep(short number, in CancellationTokenRegistration cancellation)
    {
        var isInTime = IsPending && number == _source.Version;
        if (isInTime)
        {
            _cancellation = cancellation;
        }

        return isInTime;
    }

    /// <summary>
    /// Decides that the wait is over. A call of the token that is under way is not waited for: it finds that it comes too
    /// late.
    /// </summary>
    public void End()
    {
        _cancellation.Unregister();
        (_cancellation, IsPending) = (default, false);
    }

    public void SetResult(TResult result) => _source.SetResult(result);

    public void SetException(Exception exception) => _source.SetException(exception);

    public TResult GetResult(short number) => _source.GetResult(number);

    public readonly ValueTaskSourceStatus GetStatus(short number) => _source.GetStatus(number);

    public void OnCompleted(Action<object?> continuation, object? state, short number, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, number, flags);
}
