using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Epoll;

/// <summary>Accepts an endpoint's connections for as long as there are some, and waits for the loop to report more.</summary>
internal sealed class EpollListener : IConnectionListener, IPollable, IValueTaskSource<bool>, IThreadPoolWorkItem
{
    /// <summary>How many connections are accepted in a row before others have their turn.</summary>
    private const int MaxAcceptsInARow = 64;

    private readonly EpollTransport _transport;
    private readonly Socket _listenSocket;
    private readonly IAcceptPolicy _policy;
    private readonly bool _isUnix;
    private readonly bool _continuesOnLoop;
    private readonly EventLoop _loop;
    private readonly ulong _token;
    private readonly CancellationTokenSource _unbound = new();

    /// <summary>Always goes on on the loop: what follows is no more than the next accept.</summary>
    private Wait<bool> _wait = new(continuesOnLoop: true);
    private bool _isReadable;
    private bool _isUnbound;
    private int _acceptsInARow;

    /// <param name="transport">Whose loops watch what is accepted.</param>
    /// <param name="listenSocket">Bound and listening; disposed with the listener.</param>
    /// <param name="endPoint">What the listener says it is bound to.</param>
    /// <param name="policy">Where accept(2) fails, and whether what it gives is kept.</param>
    /// <param name="continuesOnLoop">As for <see cref="EpollConnection"/>.</param>
    /// <param name="loop">Which loop watches the listener itself; null for the next.</param>
    /// <exception cref="IOException">The kernel refuses to watch the socket, which is the caller's still.</exception>
    public EpollListener(EpollTransport transport, Socket listenSocket, EndPoint endPoint, IAcceptPolicy policy, bool continuesOnLoop, EventLoop? loop = null)
    {
        _transport = transport;
        _listenSocket = listenSocket;
        EndPoint = endPoint;
        _policy = policy;
        _continuesOnLoop = continuesOnLoop;
        _isUnix = endPoint is not IPEndPoint;
        listenSocket.Blocking = false;
        if (!_isUnix)
        {
            // What is accepted inherits these (tcp(7)): what is flushed waits for nothing, and urgent data, as telnet's
            // interrupt sends it, stays among the other bytes, in its place.
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

    /// <summary>The next connection; null once the listener is unbound.</summary>
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
                return connection;
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

    public ValueTask DisposeAsync() => UnbindAsync();

    void IPollable.OnEvents(EpollEvents events) => GoOn(isReadable: true);

    /// <summary>The accept loop's own failures are its own.</summary>
    void IPollable.OnFailed(Exception exception)
    {
    }

    void IThreadPoolWorkItem.Execute() => GoOn(isReadable: false);

    bool IValueTaskSource<bool>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    /// <summary>False with <see cref="Errno.None"/> when there was a client that was rejected.</summary>
    private bool TryAccept(out EpollConnection? connection, out Errno error)
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

        connection = new EpollConnection(_transport, _transport.Loops.Next(), descriptor, remote, _isUnix, _continuesOnLoop);
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

    /// <summary>Before the kernel is asked: what it reports from now on is news.</summary>
    private void Forget()
    {
        _loop.BeforeLock(this);
        lock (this)
        {
            _isReadable = false;
        }
    }

    /// <summary>Waits for the kernel to report clients, or only until others have had their turn.</summary>
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
