using System.Threading.Tasks.Sources;

namespace Kestrel.Epoll;

/// <summary>
/// A wait for a result that another thread provides. Call all members with the lock held, except those that set or return the
/// result.
/// </summary>
/// <param name="continuesOnLoop">Whether the continuation runs where the result is set; otherwise on the thread pool.</param>
internal struct Wait<TResult>(bool continuesOnLoop)
{
    private ManualResetValueTaskSourceCore<TResult> _source = new() { RunContinuationsAsynchronously = !continuesOnLoop };
    private CancellationTokenRegistration _cancellation;

    /// <summary>Whether code awaits a result that is not decided yet.</summary>
    public bool IsPending { get; private set; }

    /// <summary>Whether the wait's token has been cancelled.</summary>
    public bool IsCanceled { get; private set; }

    /// <summary>The cancellation token of the wait.</summary>
    public CancellationToken Token { get; private set; }

    /// <summary>Starts a wait, and returns its number.</summary>
    public short Begin(CancellationToken token)
    {
        _source.Reset();
        IsPending = true;
        IsCanceled = false;
        Token = token;
        return _source.Version;
    }

    /// <summary>Cancels the wait of a token; false if that wait is already over.</summary>
    public bool TryCancel(CancellationToken token) => IsPending && Token == token && (IsCanceled = true);

    /// <summary>Stores a registration to undo when the wait ends; false if it has already ended.</summary>
    public bool TryKeep(short number, in CancellationTokenRegistration cancellation)
    {
        var isInTime = IsPending && number == _source.Version;
        if (isInTime)
        {
            _cancellation = cancellation;
        }

        return isInTime;
    }

    /// <summary>Ends the wait. Does not wait for a running callback of the token, which will find that it is too late.</summary>
    public void End()
    {
        _cancellation.Unregister();
        _cancellation = default;
        IsPending = false;
    }

    public void SetResult(TResult result) => _source.SetResult(result);

    public void SetException(Exception exception) => _source.SetException(exception);

    public TResult GetResult(short number) => _source.GetResult(number);

    public readonly ValueTaskSourceStatus GetStatus(short number) => _source.GetStatus(number);

    public void OnCompleted(Action<object?> continuation, object? state, short number, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, number, flags);
}
