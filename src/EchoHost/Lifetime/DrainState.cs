namespace EchoHost.Lifetime;

/// <summary>How far the host is on its way out. Only ever moves forward.</summary>
internal sealed class DrainState : IDisposable
{
    private volatile bool _isDraining;
    private volatile bool _isOver;
    private readonly CancellationTokenSource _rejecting = new();
    private readonly CancellationTokenSource _httpDeadline = new();

    /// <summary>The host has been asked to stop: it is unready from here on.</summary>
    public bool IsDraining => _isDraining;

    /// <summary>The readiness delay is over: new connections are turned away.</summary>
    public bool IsRejecting => _rejecting.IsCancellationRequested;

    /// <summary>Cancelled from that moment on.</summary>
    public CancellationToken Rejecting => _rejecting.Token;

    /// <summary>The state as <c>/connections</c> spells it.</summary>
    public string Label => _isDraining ? "draining" : "accepting";

    /// <summary>
    /// Cancelled when the host's last HTTP connections have to go. Kestrel would wait for a request that is never
    /// finished until the end of the shutdown timeout.
    /// </summary>
    public CancellationToken HttpDeadline => _httpDeadline.Token;

    /// <summary>The drain is over: connections that came in meanwhile are closed at once.</summary>
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
