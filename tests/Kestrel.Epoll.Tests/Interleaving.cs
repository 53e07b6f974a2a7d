
namespace Kestrel.Epoll.Tests;

/// <summary>
/// Runs an event loop and a few test threads, one at a time: at every seam of the transport the seed selects the next one.
/// So the real code meets orders of events that occur by chance once in a million, and a seed that failed fails again.
/// </summary>
internal sealed class Interleaving(int seed) : ISeams, IDisposable
{
    /// <summary>The maximum number of decisions; if a run needs more, it waits for something that never comes.</summary>
    private const int MaxSteps = 4000;

    [ThreadStatic]
    private static Actor? _current;

    private readonly Random _random = new(seed);
    private readonly List<Actor> _actors = [];
    private readonly SemaphoreSlim _back = new(0);
    private Thread? _driver;
    private int _steps;
    private bool _isGivenUp;

    /// <summary>The result of epoll_ctl(2) for the actors; null to call it.</summary>
    public Func<Errno?>? WatchAnswer { get; init; }

    /// <summary>
    /// A number below <paramref name="limit"/>, from the seed. For the actors, of which only one runs at a time.
    /// </summary>
    public int Choose(int limit) => _random.Next(limit);

    /// <summary>
    /// Adds a thread. It may wait with <see cref="Yield"/> and <see cref="Until"/>, and must not block in any other way.
    /// </summary>
    public void Add(string name, Action act) => _actors.Add(new Actor(_back, name, act));

    /// <summary>Runs all threads to their end, and <paramref name="loop"/> on the calling thread.</summary>
    public void Run(EventLoop loop)
    {
        _driver = Thread.CurrentThread;
        while (_actors.Exists(actor => !actor.IsOver))
        {
            loop.HandleNow();
            LetOthersGoOn();
        }

        if (_actors.Find(actor => actor.Failure is not null) is { } failed)
        {
            throw new InvalidOperationException($"seed {seed}: {failed.Name}: {failed.Failure!.Message}", failed.Failure);
        }
    }

    /// <summary>Lets other threads run, if the seed says so.</summary>
    public void Yield() => Until(static () => true);

    /// <summary>
    /// Lets other threads run, if the seed says so, and until <paramref name="condition"/> holds. The condition must have
    /// no effects.
    /// </summary>
    public void Until(Func<bool> condition)
    {
        if (_current is { } actor)
        {
            if (_isGivenUp)
            {
                throw new InvalidOperationException("given up");
            }

            actor.WaitsFor = condition;
            _back.Release();
            actor.WaitForTurn();
        }
        else if (Thread.CurrentThread == _driver)
        {
            do
            {
                LetOthersGoOn();
            }
            while (!condition());
        }
    }

    /// <summary>Waits for a task that other threads complete.</summary>
    public T Await<T>(ValueTask<T> task)
    {
        var awaited = task.AsTask();
        Until(() => awaited.IsCompleted);
        return awaited.GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        if (!_isGivenUp)
        {
            _actors.ForEach(actor => actor.Dispose());
            _back.Dispose();
        }
    }

    void ISeams.Pass() => Yield();

    /// <summary>
    /// Waits until the lock is free. No other thread runs meanwhile, so it is still free when the caller takes it.
    /// </summary>
    void ISeams.BeforeLock(object gate)
    {
        if (_current is not null || Thread.CurrentThread == _driver)
        {
            Until(() => IsFree(gate));
        }
    }

    Errno? ISeams.Watch() => _current is null ? null : WatchAnswer?.Invoke();

    private static bool IsFree(object gate)
    {
        // The driving thread evaluates the conditions of all threads, and may hold the lock itself.
        if (Monitor.IsEntered(gate) || !Monitor.TryEnter(gate))
        {
            return false;
        }

        Monitor.Exit(gate);
        return true;
    }

    /// <summary>Runs none, one or several of the threads in turn; the loop is as likely to be next as each of them.</summary>
    private void LetOthersGoOn()
    {
        while (true)
        {
            if (++_steps > MaxSteps)
            {
                var waiting = string.Join(", ", _actors.Where(actor => !actor.IsOver).Select(actor => actor.Name));
                GiveUp();
                Assert.Fail($"seed {seed}: after {MaxSteps} steps these are not done: {waiting}");
            }

            var able = _actors.FindAll(actor => actor.IsAble);
            var next = _random.Next(able.Count + 1);
            if (next == able.Count)
            {
                return;
            }

            able[next].GoOn();
            _back.Wait();
        }
    }

    /// <summary>Lets all threads run freely from now on, so that they end.</summary>
    private void GiveUp()
    {
        _isGivenUp = true;
        _actors.ForEach(actor => actor.GoOn());
    }

    private sealed class Actor(SemaphoreSlim back, string name, Action act) : IDisposable
    {
        private readonly SemaphoreSlim _turn = new(0);
        private Thread? _thread;

        public string Name { get; } = name;

        public bool IsOver { get; private set; }

        /// <summary>The condition for this thread to continue.</summary>
        public Func<bool> WaitsFor { get; set; } = static () => true;

        public bool IsAble => !IsOver && WaitsFor();

        public Exception? Failure { get; private set; }

        public void GoOn()
        {
            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = Name };
                _thread.Start();
            }

            _turn.Release();
        }

        public void WaitForTurn() => _turn.Wait();

        public void Dispose() => _turn.Dispose();

        private void Run()
        {
            _turn.Wait();
            _current = this;
            try
            {
                act();
            }
            catch (Exception e)
            {
                Failure = e;
            }

            IsOver = true;
            _current = null;
            back.Release();
        }
    }
}
