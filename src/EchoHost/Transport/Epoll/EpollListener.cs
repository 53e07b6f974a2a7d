using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Transport.Epoll;

/// <summary>Accepts an endpoint's connections for as long as there are some, and waits for the loop to report more.</summary>
internal sealed class EpollListener : IConnectionListener, IPollable, IValueTaskSource, IThreadPoolWorkItem
{
    /// <summary>How many connections are accepted in a row before others have their turn.</summary>
    private const int MostAcceptsInARow = 64;

    // What _state is made of.
    private const int IsReadable = 1;
    private const int IsWaiting = 2;

    private readonly EpollTransport _transport;
    private readonly Socket _listenSocket;
    private readonly AcceptErrors _errors;
    private readonly bool _isUnix;
    private readonly bool _continuesOnLoop;
    private readonly EventLoop _loop;
    private readonly ulong _token;
    private readonly CancellationTokenSource _unbound = new();
    private ManualResetValueTaskSourceCore<bool> _wait;
    private int _state;
    private int _acceptsInARow;

    public EpollListener(EpollTransport transport, Socket listenSocket, EndPoint endPoint, AcceptErrors errors, bool continuesOnLoop)
    {
        (_transport, _listenSocket, EndPoint, _errors, _continuesOnLoop) = (transport, listenSocket, endPoint, errors, continuesOnLoop);
        _isUnix = endPoint is not IPEndPoint;
        listenSocket.Blocking = false;
        if (!_isUnix)
        {
            // An echo waits for nothing; what is accepted inherits this (tcp(7)).
            listenSocket.NoDelay = true;
        }

        _loop = transport.Loops.Next();
        _token = _loop.Register(this);
        _loop.Watch(listenSocket.SafeHandle, _token, EpollOperation.Add, EpollEvents.Readable);
    }

    public EndPoint EndPoint { get; }

    /// <summary>The next connection; null once the listener is unbound.</summary>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (!_unbound.IsCancellationRequested)
        {
            if (_acceptsInARow >= MostAcceptsInARow)
            {
                await WaitAsync(isForTurn: true);
            }

            _acceptsInARow++;
            Interlocked.And(ref _state, ~IsReadable);
            if (TryAccept(out var connection, out var error))
            {
                return connection;
            }

            try
            {
                await AfterFailureAsync(error);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        if (!_unbound.IsCancellationRequested)
        {
            _unbound.Cancel();
            _loop.Unregister(_token);
            _listenSocket.Dispose();
            _loop.Schedule(this);
        }

        return default;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    void IPollable.OnEvents(EpollEvents events)
    {
        if ((Interlocked.Or(ref _state, IsReadable) & IsWaiting) != 0)
        {
            ((IThreadPoolWorkItem)this).Execute();
        }
    }

    /// <summary>The accept loop's own failures are its own.</summary>
    void IPollable.OnFailed(Exception exception)
    {
    }

    void IThreadPoolWorkItem.Execute()
    {
        if ((Interlocked.And(ref _state, ~IsWaiting) & IsWaiting) != 0)
        {
            _wait.SetResult(true);
        }
    }

    void IValueTaskSource.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    /// <summary>False with <see cref="Errno.None"/> when there was a caller who had to be turned away.</summary>
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

        if (!_errors.TryKeep())
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
                return _errors.TurnedAwayAsync(_unbound.Token);
            case Errno.Again:
                return WaitAsync(isForTurn: false);
            case Errno.ConnectionAborted:
                _errors.CallerGone();
                return default;
            case var _ when _unbound.IsCancellationRequested:
                return default;
            default:
                var reason = error is Errno.TooManyInProcess or Errno.TooManyInSystem ? AcceptErrorReason.DescriptorLimit : AcceptErrorReason.Other;
                return _errors.FailedAsync(reason, new Win32Exception((int)error).Message, _unbound.Token);
        }
    }

    /// <summary>Waits for the kernel to report callers, or only until others have had their turn.</summary>
    private ValueTask WaitAsync(bool isForTurn)
    {
        _acceptsInARow = 0;
        _wait.Reset();
        var task = new ValueTask(this, _wait.Version);
        var state = Interlocked.Or(ref _state, IsWaiting);
        if (isForTurn || (state & IsReadable) != 0 || _unbound.IsCancellationRequested)
        {
            _loop.Schedule(this);
        }

        return task;
    }
}
