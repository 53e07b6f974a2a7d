namespace Kestrel.Epoll;

/// <summary>The event loops, started on first use, and a thread that relieves loops whose call is stuck.</summary>
/// <param name="name">The name of the threads, before their number.</param>
/// <param name="count">The number of loops.</param>
/// <param name="onFailure">Receives unexpected exceptions from calls.</param>
/// <param name="lookInterval">
/// The interval between checks of each loop; null for 50 ms. A call that lasts longer than one to two intervals loses the
/// loop to another thread.
/// </param>
/// <param name="seams">Hooks for tests.</param>
internal sealed class EventLoops(string name, int count, Action<Exception> onFailure, TimeSpan? lookInterval = null, ISeams? seams = null) : IDisposable
{
    private readonly TimeSpan _lookInterval = lookInterval ?? TimeSpan.FromMilliseconds(50);
    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _stop = new(initialState: false, spinCount: 0);
    private EventLoop[]? _loops;
    private uint _turn;

    /// <summary>The number of blocks that the connections of all loops hold.</summary>
    public int BlocksInUse => _loops?.Sum(l => l.Blocks.InUse) ?? 0;

    /// <summary>The loop for the next connection.</summary>
    public EventLoop Next()
    {
        var loops = _loops ?? Start();
        return loops[(int)(Interlocked.Increment(ref _turn) % (uint)loops.Length)];
    }

    /// <summary>Completes when every loop has run a call that this method queues; at once if none is started.</summary>
    public Task RespondAsync() => Task.WhenAll((_loops ?? []).Select(loop =>
    {
        var response = new Response();
        loop.Schedule(response);
        return response.Task;
    }));

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
                _loops = StartAll();
                new Thread(Watch) { IsBackground = true, Name = $"{name} watch" }.UnsafeStart();
            }

            return _loops;
        }
    }

    /// <summary>Starts all, or leaves none behind where descriptors are short.</summary>
    private EventLoop[] StartAll()
    {
        var started = new List<EventLoop>(count);
        try
        {
            while (started.Count < count)
            {
                started.Add(new EventLoop($"{name} {started.Count}", onFailure, seams));
            }

            return [.. started];
        }
        catch
        {
            started.ForEach(loop => loop.Stop());
            throw;
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

    private sealed class Response() : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), IThreadPoolWorkItem
    {
        public void Execute() => TrySetResult();
    }
}
