using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EchoHost.Transport.Epoll;

/// <summary>
/// A thread that waits for the kernel's events (epoll(7), edge-triggered) and calls whom they concern: the code that
/// awaits a connection's bytes goes on right there. A call that does not come back is left to its thread, and a fresh
/// thread goes on with the events; see <see cref="Relieve"/>.
/// </summary>
internal sealed unsafe class EventLoop
{
    private const int EventsPerWait = 256;
    private const int WaitForEver = -1;
    private const ulong WakeToken = ulong.MaxValue;

    private readonly SafeFileHandle _epoll = Own(Linux.EpollCreate(Linux.CloseOnExec), "epoll_create1");
    private readonly SafeFileHandle _wake = Own(Linux.EventDescriptor(0, Linux.NonBlocking | Linux.CloseOnExec), "eventfd");
    private readonly string _name;
    private readonly Action<Exception> _onFailure;
    private readonly PollTable _table = new();
    private readonly ConcurrentQueue<IThreadPoolWorkItem> _work = new();
    private readonly EpollEventBuffer _events = new(EventsPerWait);

    // The events that the last wait brought; touched by the thread whose turn it is.
    private int _next;
    private int _count;

    /// <summary>Whose turn it is: an even number of the thread that waits, one more while it is in a call.</summary>
    private int _turn;
    private long _calls;
    private (int Turn, long Calls) _lastLook;
    private int _isWaiting;
    private volatile bool _isStopped;

    /// <param name="name">The thread's name.</param>
    /// <param name="onFailure">Told of what nobody foresaw: an exception from a call.</param>
    public EventLoop(string name, Action<Exception> onFailure)
    {
        (_name, _onFailure) = (name, onFailure);
        var @event = stackalloc byte[EpollEventBuffer.Size];
        EpollEventBuffer.Write(@event, EpollEvents.Readable | EpollEvents.EdgeTriggered, WakeToken);
        Check(Linux.EpollControl((int)_epoll.DangerousGetHandle(), EpollOperation.Add, (int)_wake.DangerousGetHandle(), @event), "epoll_ctl");
        StartThread(_turn);
    }

    /// <summary>The memory of this loop's connections.</summary>
    public BlockPool Blocks { get; } = new();

    /// <summary>Makes the loop know a target; its events begin with <see cref="Watch"/>.</summary>
    public ulong Register(IPollable target) => _table.Add(target);

    /// <summary>No event reaches the token's target any more.</summary>
    public void Unregister(ulong token) => _table.Remove(token);

    /// <summary>Has the kernel report a descriptor's events, the present ones at once.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void Watch(SafeHandle descriptor, ulong token, EpollOperation operation, EpollEvents events)
    {
        bool holdsEpoll = false, holdsDescriptor = false;
        try
        {
            _epoll.DangerousAddRef(ref holdsEpoll);
            descriptor.DangerousAddRef(ref holdsDescriptor);
            var @event = stackalloc byte[EpollEventBuffer.Size];
            EpollEventBuffer.Write(@event, events | EpollEvents.EdgeTriggered, token);
            Check(Linux.EpollControl((int)_epoll.DangerousGetHandle(), operation, (int)descriptor.DangerousGetHandle(), @event), "epoll_ctl");
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

    /// <summary>Has the loop do something as soon as it gets to it; callable from any thread.</summary>
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
    /// Looks whether the loop is still in the call that it was in at the last look. If so, that call keeps its thread, and
    /// another thread goes on with the events that have come since. Called at intervals, by one thread.
    /// </summary>
    /// <returns>Whether it was so.</returns>
    public bool Relieve()
    {
        var (turn, calls) = (Volatile.Read(ref _turn), Volatile.Read(ref _calls));
        var isStuck = (turn & 1) == 1 && (turn, calls) == _lastLook && Interlocked.CompareExchange(ref _turn, turn + 1, turn) == turn;
        _lastLook = (turn, calls);
        if (isStuck)
        {
            StartThread(turn + 1);
        }

        return isStuck;
    }

    /// <summary>Ends the thread; what is still to be done is done by the thread pool.</summary>
    public void Stop()
    {
        _isStopped = true;
        Wake();
    }

    private void StartThread(int turn) => new Thread(() => Run(turn)) { IsBackground = true, Name = _name }.UnsafeStart();

    private void Run(int turn)
    {
        while (!_isStopped)
        {
            if (!HandleEvents(turn) || !DoWork(turn))
            {
                return;
            }

            WaitForEvents();
        }

        _epoll.Dispose();
        _wake.Dispose();
        HandOverWork();
    }

    /// <summary>False when another thread has taken over meanwhile.</summary>
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

    /// <summary>Does what was there to do at the beginning; what that brings waits for the events that came meanwhile.</summary>
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

    private void WaitForEvents()
    {
        var timeout = WaitForEver;
        Interlocked.Exchange(ref _isWaiting, 1);
        if (!_work.IsEmpty || _isStopped)
        {
            timeout = 0;
        }

        // Fails only when a signal interrupts it, which is as good as no event.
        var count = Linux.EpollWait((int)_epoll.DangerousGetHandle(), _events.Pointer, _events.Capacity, timeout);
        Volatile.Write(ref _isWaiting, 0);
        (_next, _count) = (0, Math.Max(count, 0));
    }

    /// <summary>Edge-triggered, each write is an event; nobody needs to read it.</summary>
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
            // Stopped, and has handed over its work.
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

    private static SafeFileHandle Own(int descriptor, string call)
    {
        Check(descriptor, call);
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    private static void Check(int result, string call)
    {
        if (result < 0)
        {
            throw new IOException($"{call} failed: {new System.ComponentModel.Win32Exception((int)Linux.LastError).Message}");
        }
    }
}
