namespace EchoHost.Connections.Tls;

/// <summary>A feature of a client's connection: how its handshake goes.</summary>
internal sealed class TlsHandshake
{
    private volatile bool _isDone;
    private string? _problem;
    private ITimer? _limit;

    public bool IsDone => _isDone;

    /// <summary>Why it failed, in words; null where the framework does not tell.</summary>
    public string? Problem => Volatile.Read(ref _problem);

    /// <summary>What ends the handshake when it takes too long; given up once it is done.</summary>
    public void LimitBy(ITimer limit) => _limit = limit;

    public void Done()
    {
        _isDone = true;
        _limit?.Dispose();
        _limit = null;
    }

    /// <summary>The first reason stays.</summary>
    public void Failed(string problem) => Interlocked.CompareExchange(ref _problem, problem, null);
}
