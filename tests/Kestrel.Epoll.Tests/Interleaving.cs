
namespace Kestrel.Epoll.Tests;

/// <summary>
/// Runs an event loop and a few threads of a test, one at a time: at every seam of the transport the seed decides which one goes on. So the
/// real code meets orders of events that chance brings once in a million, and a seed that failed fails again.
/// </summary>
internal sealed class Interleaving(int seed) : ISeams, IDisposable
{
    /// <summary>How many decisions there may be; where it takes more, something is waited for that does not come.</summary>
    private const int MaxSteps = 4000;

    [ThreadStatic]
    private static Actor? _current;

    private readonly Random _random = new(seed);
    private readonly List<Actor> _actors = [];
    private readonly SemaphoreSlim _back = new(0);
    private Thread? _driver;
    private int _steps;
    private bool _isGivenUp;

    /// <summary>What epoll_ctl(2) is to answer to the actors; null where it is called.</summary>
    public Func<Errno?>? WatchAnswer { get; init; }

    /// <summary>A number below <paramref name="limit"/>, by the seed. For the actors, only one of which runs.</summary>
    public int Choose(int limit) => _random.Next(limit);

    /// <summary>Adds a thread. It may call <see cref="Yield"/> and <see cref="Until"/>, and must not block in any other way.</summary>
    public void Add(string name, Action act) => _actors.Add(new Actor(_back, name, act));

    /// <summary>Runs them all to their ends, and meanwhile <paramref name="loop"/> on the calling thread.</summary>
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

    /// <summary>Lets others go on, where the seed says so.</summary>
    public void Yield() => Until(static () => true);

    /// <summary>Lets others go on, where the seed says so, and as long as <paramref name="condition"/> does not hold, which must have no effects.</summary>
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

    /// <summary>The result of a task that others bring about.</summary>
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

    /// <summary>No other thread runs meanwhile, so that a lock that is free now is free when the caller takes it.</summary>
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
        // The driving thread, which asks for all of them, may hold it itself.
        if (Monitor.IsEntered(gate) || !Monitor.TryEnter(gate))
        {
            return false;
        }

        Monitor.Exit(gate);
        return true;
    }

    /// <summary>None of them, one, or several, one after the other: the loop is as likely to be next as each of them.</summary>
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

    /// <summary>From now on all run freely, to come to an end somehow.</summary>
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

        /// <summary>What must hold before it goes on.</summary>
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
