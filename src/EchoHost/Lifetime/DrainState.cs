namespace EchoHost.Lifetime;

/// <summary>The phase of the host's shutdown. It only moves forward.</summary>
internal sealed class DrainState : IDisposable
{
    private volatile bool _isDraining;
    private volatile bool _isOver;
    private readonly CancellationTokenSource _rejecting = new();
    private readonly CancellationTokenSource _httpDeadline = new();

    /// <summary>Whether the host has been asked to stop; it is unready from then on.</summary>
    public bool IsDraining => _isDraining;

    /// <summary>Whether new connections are rejected: the readiness delay is over.</summary>
    public bool IsRejecting => _rejecting.IsCancellationRequested;

    /// <summary>Cancelled when <see cref="IsRejecting"/> becomes true.</summary>
    public CancellationToken Rejecting => _rejecting.Token;

    /// <summary>The state as <c>/connections</c> spells it.</summary>
    public string Label => _isDraining ? "draining" : "accepting";

    /// <summary>
    /// Cancelled when the last HTTP connections must end. Kestrel would wait for an unfinished request until the end of the
    /// shutdown timeout.
    /// </summary>
    public CancellationToken HttpDeadline => _httpDeadline.Token;

    /// <summary>Whether the drain is over: a connection that is registered late must be closed at once.</summary>
    public bool IsOver => _isOver;

    public void BeginDraining() => _isDraining = true;

    public void BeginRejecting() => _rejecting.Cancel();

    public void End() => _isOver = true;

    public void EndHttpAfter(TimeSpan time) => _httpDeadline.CancelAfter(time);

    public void Dispose()
    {
        _rejecting.Dispose();
        _httpDeadline.Dispose();
    }
}
