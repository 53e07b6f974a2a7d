namespace EchoHost.Transport.Epoll;

/// <summary>The event loops, started when first needed, and the watch that keeps each of them going.</summary>
internal sealed class EventLoops(int count, Action<Exception> onFailure) : IDisposable
{
    /// <summary>How often each loop is looked at: a call that takes more than one to two of these is left to its thread.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _stop = new();
    private EventLoop[]? _loops;
    private uint _turn;

    /// <summary>How many blocks the connections of all loops hold.</summary>
    public int BlocksInUse => _loops?.Sum(l => l.Blocks.InUse) ?? 0;

    /// <summary>The loop for the next connection.</summary>
    public EventLoop Next()
    {
        var loops = _loops ?? Start();
        return loops[(int)(Interlocked.Increment(ref _turn) % (uint)loops.Length)];
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _stop.Set();
            foreach (var loop in _loops ?? [])
            {
                loop.Stop();
            }
        }
    }

    private EventLoop[] Start()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stop.IsSet, this);
            if (_loops is null)
            {
                _loops = [.. Enumerable.Range(0, count).Select(i => new EventLoop($"echo loop {i}", onFailure))];
                new Thread(Watch) { IsBackground = true, Name = "echo loop watch" }.UnsafeStart();
            }

            return _loops;
        }
    }

    private void Watch()
    {
        while (!_stop.Wait(LookInterval))
        {
            foreach (var loop in _loops!)
            {
                loop.Relieve();
            }
        }
    }
}
