namespace Kestrel.Epoll;

/// <summary>The event loops, started when first needed, and the watch that keeps each of them going.</summary>
/// <param name="name">What the threads are called, before their number.</param>
/// <param name="count">How many loops.</param>
/// <param name="onFailure">Told of what was not foreseen: an exception from a call.</param>
/// <param name="lookInterval">How often each loop is looked at; null for 50 ms. A call that takes more than one to two of these is left to its thread.</param>
/// <param name="seams">What tests put in.</param>
internal sealed class EventLoops(string name, int count, Action<Exception> onFailure, TimeSpan? lookInterval = null, ISeams? seams = null) : IDisposable
{
    private readonly TimeSpan _lookInterval = lookInterval ?? TimeSpan.FromMilliseconds(50);
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
        EpollTransport.ThrowUnlessSupported();
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stop.IsSet, this);
            if (_loops is null)
            {
                _loops = [.. Enumerable.Range(0, count).Select(i => new EventLoop($"{name} {i}", onFailure, seams))];
                new Thread(Watch) { IsBackground = true, Name = $"{name} watch" }.UnsafeStart();
            }

            return _loops;
        }
    }

    private void Watch()
    {
        while (!_stop.Wait(_lookInterval))
        {
            foreach (var loop in _loops!)
            {
                loop.Relieve();
            }
        }
    }
}
