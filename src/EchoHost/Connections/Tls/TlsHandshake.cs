namespace EchoHost.Connections.Tls;

/// <summary>The state of a client's handshake; a feature of its connection.</summary>
internal sealed class TlsHandshake
{
    private volatile bool _isDone;
    private string? _problem;
    private ITimer? _limit;

    public bool IsDone => _isDone;

    /// <summary>The application protocol that the client prefers (ALPN); empty if it names none.</summary>
    public byte[] Protocol { get; set; } = [];

    /// <summary>Why the handshake failed, in words; null if the framework does not say.</summary>
    public string? Problem => Volatile.Read(ref _problem);

    /// <summary>Sets the timer that ends a handshake that takes too long; <see cref="Done"/> disposes it.</summary>
    public void LimitBy(ITimer limit) => _limit = limit;

    public void Done()
    {
        _isDone = true;
        _limit?.Dispose();
        _limit = null;
    }

    /// <summary>Records why the handshake failed. The first reason is kept.</summary>
    public void Failed(string problem) => Interlocked.CompareExchange(ref _problem, problem, null);
}
