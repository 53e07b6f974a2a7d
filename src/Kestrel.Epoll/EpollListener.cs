using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Epoll;

/// <summary>Accepts an endpoint's connections while there are any, then waits for the loop to report more.</summary>
internal sealed class EpollListener : IConnectionListener, IPollable, IValueTaskSource<bool>, IThreadPoolWorkItem
{
    /// <summary>The maximum number of accepts in a row before the loop serves other work.</summary>
    private const int MaxAcceptsInARow = 64;

    private readonly EpollTransport _transport;
    private readonly Socket _listenSocket;
    private readonly IAcceptPolicy _policy;
    private readonly bool _isUnix;
    private readonly bool _continuesOnLoop;
    private readonly LoopStart? _start;
    private readonly EventLoop _loop;
    private readonly ulong _token;
    private readonly CancellationTokenSource _unbound = new();

    /// <summary>Always continues on the loop: the continuation is only the next accept.</summary>
    private Wait<bool> _wait = new(continuesOnLoop: true);
    private bool _isReadable;
    private bool _isUnbound;
    private int _acceptsInARow;

    /// <param name="transport">The transport whose loops watch the accepted connections.</param>
    /// <param name="listenSocket">A socket that is bound and listening; disposed with the listener.</param>
    /// <param name="endPoint">The end point that the listener reports as its own.</param>
    /// <param name="policy">What to do if accept(2) fails, and which connections to keep.</param>
    /// <param name="continuesOnLoop">As for <see cref="EpollConnection"/>.</param>
    /// <param name="start">
    /// Runs the accepted connections on their loops; null to return them from <see cref="AcceptAsync"/>.
    /// </param>
    /// <param name="loop">The loop that watches the listener itself; null for the next one.</param>
    /// <exception cref="IOException">The kernel refuses to watch the socket. The caller must dispose of it.</exception>
    public EpollListener(
        EpollTransport transport,
        Socket listenSocket,
        EndPoint endPoint,
        IAcceptPolicy policy,
        bool continuesOnLoop,
        LoopStart? start = null,
        EventLoop? loop = null)
    {
        _transport = transport;
        _listenSocket = listenSocket;
        EndPoint = endPoint;
        _policy = policy;
        _continuesOnLoop = continuesOnLoop;
        _start = start;
        _isUnix = endPoint is not IPEndPoint;
        listenSocket.Blocking = false;
        if (!_isUnix)
        {
            // Accepted sockets inherit these (tcp(7)): flushed bytes are sent at once, and urgent data, such as telnet's
            // interrupt, stays in order among the other bytes.
            listenSocket.NoDelay = true;
            listenSocket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, true);
        }

        _loop = loop ?? transport.Loops.Next();
        _token = _loop.Register(this);
        if (_loop.Watch(listenSocket.SafeHandle, _token, EpollOperation.Add, EpollEvents.Readable) is var refused and not Errno.None)
        {
            _loop.Unregister(_token);
            throw new IOException($"{endPoint} can't be watched: {new Win32Exception((int)refused).Message}");
        }
    }

    public EndPoint EndPoint { get; }

    /// <summary>
    /// Returns the next connection; null once the listener is unbound. Connections that start on their loops are not returned.
    /// </summary>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (!_unbound.IsCancellationRequested)
        {
            if (_acceptsInARow >= MaxAcceptsInARow)
            {
                await WaitAsync(isForTurn: true);
            }

            _acceptsInARow++;
            Forget();
            if (TryAccept(out var connection, out var error))
            {
                if (_start is null)
                {
                    return connection;
                }

                _start.Begin(connection);
                continue;
            }

            if (error == Errno.Again)
            {
                await WaitAsync(isForTurn: false);
                continue;
            }

            try
            {
                await AfterFailureAsync(error);
            }
            catch (OperationCanceledException) when (_unbound.IsCancellationRequested)
            {
                break;
            }
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        if (!Interlocked.Exchange(ref _isUnbound, true))
        {
            _unbound.Cancel();
            _loop.Unregister(_token);
            _listenSocket.Dispose();
            _loop.Schedule(this);
        }

        return default;
    }

    /// <summary>Also ends the connections that started on their loops.</summary>
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        if (_start is not null)
        {
            await _start.StopAsync();
        }
    }

    void IPollable.OnEvents(EpollEvents events) => GoOn(isReadable: true);

    /// <summary>Does nothing: the accept loop handles its own exceptions.</summary>
    void IPollable.OnFailed(Exception exception)
    {
    }

    void IThreadPoolWorkItem.Execute() => GoOn(isReadable: false);

    bool IValueTaskSource<bool>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    /// <summary>Accepts a connection; false with <see cref="Errno.None"/> if a client was accepted and rejected.</summary>
    private bool TryAccept([NotNullWhen(true)] out EpollConnection? connection, out Errno error)
    {
        connection = null;
        SocketDescriptor? descriptor;
        EndPoint? remote;
        try
        {
            descriptor = SocketDescriptor.Accept(_listenSocket.SafeHandle, out remote, out error);
        }
        catch (ObjectDisposedException)
        {
            // Unbound meanwhile.
            error = Errno.BadDescriptor;
            return false;
        }

        if (descriptor is null)
        {
            return false;
        }

        if (!_policy.TryKeep())
        {
            descriptor.Reset();
            descriptor.Dispose();
            return false;
        }

        connection = new EpollConnection(_transport, _transport.Loops.Next(), descriptor, remote, _isUnix, _continuesOnLoop, _start);
        return true;
    }

    private ValueTask AfterFailureAsync(Errno error)
    {
        switch (error)
        {
            case Errno.None:
                return _policy.RejectedAsync(_unbound.Token);
            case Errno.ConnectionAborted:
                _policy.ClientGone();
                return default;
            case var _ when _unbound.IsCancellationRequested:
                return default;
            default:
                return _policy.FailedAsync(error.ToException(), _unbound.Token);
        }
    }

    /// <summary>Clears the flag before accept(2), so that a report after it counts as new.</summary>
    private void Forget()
    {
        _loop.BeforeLock(this);
        lock (this)
        {
            _isReadable = false;
        }
    }

    /// <summary>Waits until the kernel reports clients, or, for a turn, only until the loop has served other work.</summary>
    private ValueTask<bool> WaitAsync(bool isForTurn)
    {
        _acceptsInARow = 0;
        ValueTask<bool> task;
        bool isOver;
        _loop.BeforeLock(this);
        lock (this)
        {
            task = new ValueTask<bool>(this, _wait.Begin(default));
            isOver = isForTurn || _isReadable || _unbound.IsCancellationRequested;
        }

        if (isOver)
        {
            _loop.Schedule(this);
        }

        return task;
    }

    private void GoOn(bool isReadable)
    {
        _loop.BeforeLock(this);
        lock (this)
        {
            _isReadable |= isReadable;
            if (!_wait.IsPending)
            {
                return;
            }

            _wait.End();
        }

        _wait.SetResult(true);
    }
}
