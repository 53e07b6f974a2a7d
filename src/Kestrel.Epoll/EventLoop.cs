using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Kestrel.Epoll;

/// <summary>
/// A thread that waits for the kernel's events (epoll(7), edge-triggered) and calls their targets; continuations of
/// connections run in these calls. If a call does not return, it keeps its thread, and a standby thread takes over the
/// events; see <see cref="Relieve"/>.
/// </summary>
#pragma warning disable CA1001 // A semaphore whose wait handle is never asked for has nothing to dispose of.
internal sealed unsafe class EventLoop
#pragma warning restore CA1001
{
    private const int EventsPerWait = 256;
    private const int WaitForEver = -1;
    private const ulong WakeToken = ulong.MaxValue;

    private readonly SafeFileHandle _epoll = Own(Linux.EpollCreate(Linux.CloseOnExec), "epoll_create1");
    private readonly SafeFileHandle _wake = Own(Linux.EventDescriptor(0, Linux.NonBlocking | Linux.CloseOnExec), "eventfd");
    private readonly string _name;
    private readonly Action<Exception> _onFailure;
    private readonly ISeams? _seams;
    private readonly bool _isDriven;
    private readonly PollTable _table = new();
    private readonly ConcurrentQueue<IThreadPoolWorkItem> _work = new();
    private readonly EpollEventBuffer _events = new(EventsPerWait);

    /// <summary>Released for the thread that takes over the loop.</summary>
    private readonly SemaphoreSlim _handOver = new(1);

    // The events of the last wait; only the thread that runs the loop touches them.
    private int _next;
    private int _count;

    /// <summary>
    /// The state of the loop: an even number that identifies the running thread's turn, plus one while it is in a call.
    /// </summary>
    private int _turn;
    private long _calls;
    private (int Turn, long Calls) _lastLook;
    private int _isWaiting;
    private int _standingBy;
    private volatile bool _isStopped;

    /// <param name="name">The name of the threads.</param>
    /// <param name="onFailure">Receives unexpected exceptions from calls.</param>
    /// <param name="seams">Hooks for tests.</param>
    /// <param name="isDriven">
    /// Whether tests handle the events by calling <see cref="HandleNow"/>; no threads are started then.
    /// </param>
    /// <exception cref="IOException">There are no file descriptors for it.</exception>
    public EventLoop(string name, Action<Exception> onFailure, ISeams? seams = null, bool isDriven = false)
    {
        _name = name;
        _onFailure = onFailure;
        _seams = seams;
        _isDriven = isDriven;
        if (Watch(_wake, WakeToken, EpollOperation.Add, EpollEvents.Readable) is var refused and not Errno.None)
        {
            throw Refused(refused, "epoll_ctl");
        }

        if (!isDriven)
        {
            // One to run the loop, and one in standby.
            StartThread();
            StartThread();
        }
    }

    /// <summary>The number of standby threads.</summary>
    public int StandingBy => Volatile.Read(ref _standingBy);

    /// <summary>The memory of this loop's connections.</summary>
    public BlockPool Blocks { get; } = new();

    /// <inheritdoc cref="ISeams.BeforeLock"/>
    [Conditional("DEBUG")]
    public void BeforeLock(object gate) => _seams?.BeforeLock(gate);

    /// <inheritdoc cref="ISeams.Pass"/>
    [Conditional("DEBUG")]
    public void Pass() => _seams?.Pass();

    /// <summary>Registers a target for events; they start with <see cref="Watch"/>.</summary>
    public ulong Register(IPollable target) => _table.Add(target);

    /// <summary>Removes a target: no further event reaches it.</summary>
    public void Unregister(ulong token) => _table.Remove(token);

    /// <summary>
    /// Makes the kernel report a descriptor's events, starting with those present: epoll_ctl(2). It refuses if memory or
    /// the user's watches (fs.epoll.max_user_watches) are exhausted.
    /// </summary>
    /// <returns>The kernel's error; <see cref="Errno.BadDescriptor"/> if the descriptor or the loop is closed.</returns>
    public Errno Watch(SafeHandle descriptor, ulong token, EpollOperation operation, EpollEvents events)
    {
#if DEBUG
        if (_seams?.Watch() is { } pretended)
        {
            return pretended;
        }
#endif
        bool holdsEpoll = false, holdsDescriptor = false;
        try
        {
            _epoll.DangerousAddRef(ref holdsEpoll);
            descriptor.DangerousAddRef(ref holdsDescriptor);
            var @event = stackalloc byte[EpollEventBuffer.Size];
            EpollEventBuffer.Write(@event, events | EpollEvents.EdgeTriggered, token);
            var result = Linux.EpollControl((int)_epoll.DangerousGetHandle(), operation, (int)descriptor.DangerousGetHandle(), @event);
            return result < 0 ? Linux.LastError : Errno.None;
        }
        catch (ObjectDisposedException)
        {
            return Errno.BadDescriptor;
        }
        finally
        {
            if (holdsDescriptor)
            {
                descriptor.DangerousRelease();
            }

            if (holdsEpoll)
            {
                _epoll.DangerousRelease();
            }
        }
    }

    /// <summary>Queues work for the loop; callable from any thread.</summary>
    public void Schedule(IThreadPoolWorkItem work)
    {
        _work.Enqueue(work);
        if (_isStopped)
        {
            HandOverWork();
        }
        else if (Interlocked.Exchange(ref _isWaiting, 0) == 1)
        {
            Wake();
        }
    }

    /// <summary>
    /// Checks whether the loop is still in the call of the previous check. If so, that call keeps its thread, and a standby
    /// thread takes over the pending events. One thread calls this at intervals.
    /// </summary>
    /// <returns>Whether another thread took over.</returns>
    public bool Relieve()
    {
        var (turn, calls) = (Volatile.Read(ref _turn), Volatile.Read(ref _calls));
        var isStuck = (turn & 1) == 1 && (turn, calls) == _lastLook && HasStandBy() && Interlocked.CompareExchange(ref _turn, turn + 1, turn) == turn;
        _lastLook = (turn, calls);
        if (isStuck)
        {
            _handOver.Release();
        }

        return isStuck;
    }

    /// <summary>Ends the threads; queued work moves to the thread pool.</summary>
    public void Stop()
    {
        _isStopped = true;
        if (_isDriven)
        {
            Close();
            return;
        }

        Wake();
        _handOver.Release();
    }

    /// <summary>Handles pending events and work without waiting. For tests that control when the loop runs.</summary>
    public void HandleNow()
    {
        WaitForEvents(mayWait: false);
        HandleEvents(_turn);
        DoWork(_turn);
    }

    /// <summary>
    /// Ensures a standby thread. A stuck call keeps its thread, which returns to standby when the call ends; until then a
    /// new one is started, unless descriptors are scarce: the runtime ends the process if a thread gets none for its start.
    /// </summary>
    private bool HasStandBy()
    {
        if (StandingBy == 0 && SpareDescriptors.AreThere())
        {
            StartThread();
        }

        return StandingBy > 0;
    }

    private void StartThread()
    {
        Interlocked.Increment(ref _standingBy);
        new Thread(Run) { IsBackground = true, Name = _name }.UnsafeStart();
    }

    private void Run()
    {
        while (true)
        {
            _handOver.Wait();
            if (!_isStopped)
            {
                Interlocked.Decrement(ref _standingBy);
                var turn = Volatile.Read(ref _turn);
                Run(turn);
                Interlocked.Increment(ref _standingBy);
                if (!_isStopped || Volatile.Read(ref _turn) != turn)
                {
                    continue;
                }

                // No other thread runs the loop, so nothing waits on these descriptors any more.
                Close();
            }

            HandOverWork();
            _handOver.Release();
            return;
        }
    }

    private void Close()
    {
        _epoll.Dispose();
        _wake.Dispose();
    }

    /// <summary>Runs the loop until it is stopped or another thread takes over.</summary>
    private void Run(int turn)
    {
        while (!_isStopped && HandleEvents(turn) && DoWork(turn))
        {
            WaitForEvents(mayWait: true);
        }
    }

    /// <summary>Handles the events of the last wait; false if another thread has taken over meanwhile.</summary>
    private bool HandleEvents(int turn)
    {
        while (_next < _count)
        {
            var (events, token) = _events[_next++];
            if (token == WakeToken || _table.Find(token) is not { } target)
            {
                continue;
            }

            BeginCall(turn);
            try
            {
                target.OnEvents(events);
            }
            catch (Exception e)
            {
                _onFailure(e);
                target.OnFailed(e);
            }

            if (!TryEndCall(turn))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Does the work that was queued at the start. Work that it adds runs after the next events. False if another thread
    /// has taken over.
    /// </summary>
    private bool DoWork(int turn)
    {
        for (var due = _work.IsEmpty ? 0 : _work.Count; due > 0 && _work.TryDequeue(out var work); due--)
        {
            BeginCall(turn);
            try
            {
                work.Execute();
            }
            catch (Exception e)
            {
                _onFailure(e);
            }

            if (!TryEndCall(turn))
            {
                return false;
            }
        }

        return true;
    }

    private void BeginCall(int turn)
    {
        Volatile.Write(ref _calls, _calls + 1);
        Volatile.Write(ref _turn, turn + 1);
    }

    private bool TryEndCall(int turn) => Interlocked.CompareExchange(ref _turn, turn, turn + 1) == turn + 1;

    private void WaitForEvents(bool mayWait)
    {
        var timeout = WaitForEver;
        Interlocked.Exchange(ref _isWaiting, 1);
        if (!mayWait || !_work.IsEmpty || _isStopped)
        {
            timeout = 0;
        }

        // This fails only if a signal interrupts it; then there are no events.
        var count = Linux.EpollWait((int)_epoll.DangerousGetHandle(), _events.Pointer, _events.Capacity, timeout);
        Volatile.Write(ref _isWaiting, 0);
        (_next, _count) = (0, Math.Max(count, 0));
    }

    /// <summary>Wakes the loop. With edge triggering each write is an event, so the counter need not be read.</summary>
    private void Wake()
    {
        var isHeld = false;
        try
        {
            _wake.DangerousAddRef(ref isHeld);
            ulong one = 1;
            Linux.Write((int)_wake.DangerousGetHandle(), (byte*)&one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The loop is stopped and has handed over its work.
        }
        finally
        {
            if (isHeld)
            {
                _wake.DangerousRelease();
            }
        }
    }

    private void HandOverWork()
    {
        while (_work.TryDequeue(out var work))
        {
            ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
        }
    }

    private static SafeFileHandle Own(int descriptor, string call) =>
        descriptor < 0 ? throw Refused(Linux.LastError, call) : new SafeFileHandle(descriptor, ownsHandle: true);

    private static IOException Refused(Errno error, string call) => new($"{call} failed: {new System.ComponentModel.Win32Exception((int)error).Message}");
}
