using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace EchoHost.Transport.Epoll;

/// <summary>
/// A connection's output. A flush hands the bytes to the kernel at once; only what that does not take waits for the loop
/// to report room, and the flush with it, so that no more is ever held than one flush brought.
/// </summary>
/// <remarks><see cref="WriteAsync"/> sends straight from the caller's memory, which the caller leaves alone until the write is done.</remarks>
internal sealed class SocketWriter(EpollConnection connection) : PipeWriter, IValueTaskSource<FlushResult>, IThreadPoolWorkItem
{
    // What _state is made of.
    private const int IsWritable = 1;
    private const int IsWaiting = 2;
    private const int IsCanceled = 4;
    private const int IsTokenCanceled = 8;
    private const int IsAborted = 16;
    private const int IsFlushing = 32;
    private const int IsCompleted = 64;

    /// <summary>What ends any wait, and what ends that of a flush.</summary>
    private const int EndsWait = IsWritable | IsAborted;
    private const int EndsFlush = IsCanceled | IsTokenCanceled;

    private static readonly Action Finished = () => { };

    private readonly EpollConnection _connection = connection;
    private readonly SocketDescriptor _descriptor = connection.Descriptor;
    private readonly BlockPool _blocks = connection.Loop.Blocks;
    private ManualResetValueTaskSourceCore<FlushResult> _wait = new() { RunContinuationsAsynchronously = !connection.ContinuesOnLoop };
    private CancellationTokenRegistration _cancellation;
    private CancellationToken _canceledBy;
    private int _state;
    private Block? _head;
    private Block? _tail;
    private int _start;

    /// <summary>What <see cref="WriteAsync"/> was given and is not sent yet; comes after the blocks.</summary>
    private ReadOnlyMemory<byte> _direct;

    /// <summary>What a canceled flush left, and the loop sends meanwhile; comes first.</summary>
    private volatile Block? _rest;
    private int _restStart;
    private bool _isCancelable;

    /// <summary>Nobody is there to send to any more.</summary>
    private bool _isBroken;
    private Action? _onFinished;

    /// <summary>Whether the last byte has been handed to the kernel, or never will be.</summary>
    public bool IsFinished => Volatile.Read(ref _onFinished) == Finished;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _head is null ? 0 : _tail!.RunningIndex + _tail.Length - _head.RunningIndex - _start;

    public override Memory<byte> GetMemory(int sizeHint = 0) => Room(sizeHint).Free;

    public override Span<byte> GetSpan(int sizeHint = 0) => Room(sizeHint).FreeSpan;

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _tail?.FreeSpan.Length ?? 0);
        _tail?.Fill(bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => SendAsync(default, cancellationToken);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) => SendAsync(source, cancellationToken);

    public override void CancelPendingFlush() => Interrupt(IsCanceled);

    public override void Complete(Exception? exception = null)
    {
        // Where a flush is under way, who ends it ends the output too.
        if ((Interlocked.Or(ref _state, IsCompleted) & (IsCompleted | IsFlushing)) != 0)
        {
            return;
        }

        if (OwnsOutput())
        {
            SendLast();
        }
        else
        {
            Interlocked.Or(ref _state, IsWaiting);
            _connection.Loop.Schedule(this);
        }
    }

#pragma warning disable CS0672 // Deprecated because not every PipeWriter calls back; this one does.
    /// <summary>Calls back when the last byte has been handed to the kernel, or never will be.</summary>
    public override void OnReaderCompleted(Action<Exception?, object?> callback, object? state) => WhenFinished(() => callback(null, state));
#pragma warning restore CS0672

    /// <summary>Calls back when <see cref="IsFinished"/>, at once where it is.</summary>
    public void WhenFinished(Action callback)
    {
        while (true)
        {
            var before = Volatile.Read(ref _onFinished);
            if (before == Finished)
            {
                callback();
                return;
            }

            if (Interlocked.CompareExchange(ref _onFinished, before + callback, before) == before)
            {
                return;
            }
        }
    }

    /// <summary>The kernel has room, or news of an error. Called on the loop.</summary>
    public void OnWritable()
    {
        if ((Interlocked.Or(ref _state, IsWritable) & IsWaiting) != 0)
        {
            Execute();
        }
    }

    /// <summary>The connection was aborted; there is nobody to send to.</summary>
    public void OnAborted() => Interrupt(IsAborted);

    /// <summary>Sends on, where that is waited for; called on the loop.</summary>
    public void Execute()
    {
        while (TryClaimWait(out var claimed))
        {
            if ((claimed & (IsFlushing | IsCompleted)) == 0)
            {
                // Only the rest of a canceled flush; all else is the writing code's own.
                if (TrySendRest())
                {
                    return;
                }
            }
            else if (TrySend() || IsInterrupted(Volatile.Read(ref _state)))
            {
                EndWait();
                return;
            }

            if (!IsOver(Interlocked.Or(ref _state, IsWaiting)))
            {
                return;
            }
        }
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private ValueTask<FlushResult> SendAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        ThrowIfCompleted();
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        if (!OwnsOutput())
        {
            _direct = source;
            var task = WaitAsync(cancellationToken);
            _connection.Loop.Schedule(this);
            return task;
        }

        var sent = 0;
        if (_head is null && _rest is null && !_isBroken && TrySend(source.Span, out sent) && sent == source.Length)
        {
            // All at once, as nearly always.
            return new ValueTask<FlushResult>(Result());
        }

        _direct = source[sent..];
        return TrySend() ? new ValueTask<FlushResult>(Result()) : WaitAsync(cancellationToken);
    }

    private ValueTask<FlushResult> WaitAsync(CancellationToken cancellationToken)
    {
        _wait.Reset();
        Interlocked.Or(ref _state, IsFlushing);
        var task = new ValueTask<FlushResult>(this, _wait.Version);
        if (cancellationToken.CanBeCanceled)
        {
            _isCancelable = true;
            _canceledBy = cancellationToken;
            _cancellation = cancellationToken.UnsafeRegister(static writer => ((SocketWriter)writer!).Interrupt(IsTokenCanceled), this);
        }

        StartWait();
        return task;
    }

    /// <summary>Whether the caller may send: not while the loop is at the rest of a canceled flush, which then looks again.</summary>
    private bool OwnsOutput() => _rest is null || TryClaimWait(out _);

    private void StartWait()
    {
        _connection.WatchFor(EpollEvents.Writable);
        if (IsOver(Interlocked.Or(ref _state, IsWaiting)))
        {
            _connection.Loop.Schedule(this);
        }
    }

    private static bool IsOver(int state) => (state & EndsWait) != 0 || IsInterrupted(state);

    /// <summary>Whether a flush was canceled; there is none any more while the output's rest is sent.</summary>
    private static bool IsInterrupted(int state) => (state & IsFlushing) != 0 && (state & EndsFlush) != 0;

    private void Interrupt(int why)
    {
        if ((Interlocked.Or(ref _state, why) & IsWaiting) != 0)
        {
            _connection.Loop.Schedule(this);
        }
    }

    /// <summary>Of all who may end a wait, one gets to.</summary>
    private bool TryClaimWait(out int state)
    {
        while (true)
        {
            state = Volatile.Read(ref _state);
            if ((state & IsWaiting) == 0)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _state, state & ~(IsWaiting | IsWritable), state) == state)
            {
                return true;
            }
        }
    }

    /// <summary>Whoever claimed the wait: tells who awaits the flush, and ends the output where that was asked for.</summary>
    private void EndWait()
    {
        var isTokenCanceled = false;
        if (_isCancelable)
        {
            _cancellation.Dispose();
            (_cancellation, _isCancelable) = (default, false);
            isTokenCanceled = (Interlocked.And(ref _state, ~IsTokenCanceled) & IsTokenCanceled) != 0;
        }

        KeepRest();
        var isAllSent = _rest is null;
        var state = Interlocked.And(ref _state, ~IsFlushing);
        if ((state & IsCompleted) != 0)
        {
            SendLast();
        }
        else if (!isAllSent)
        {
            StartWait();
        }

        if ((state & IsFlushing) == 0)
        {
            return;
        }

        if (isTokenCanceled && !isAllSent)
        {
            _wait.SetException(new OperationCanceledException(_canceledBy));
        }
        else
        {
            _wait.SetResult(Result());
        }
    }

    private FlushResult Result()
    {
        var isCanceled = (Volatile.Read(ref _state) & IsCanceled) != 0;
        if (isCanceled)
        {
            Interlocked.And(ref _state, ~IsCanceled);
        }

        return new FlushResult(isCanceled, _isBroken);
    }

    /// <summary>The output is completed: what is left is sent by the loop, then the connection is told.</summary>
    private void SendLast()
    {
        if (!TrySend())
        {
            StartWait();
            return;
        }

        var callbacks = Interlocked.Exchange(ref _onFinished, Finished);
        if (callbacks != Finished)
        {
            _connection.OnOutputFinished();
            callbacks?.Invoke();
        }
    }

    /// <summary>Hands over to the kernel what there is; false when it takes no more for now.</summary>
    private bool TrySend()
    {
        if (!TrySendRest())
        {
            return false;
        }

        while (_head is not null && !IsGone())
        {
            if (!TrySend(_head.Filled[_start..], out var sent))
            {
                return false;
            }

            _start += sent;
            if (_start == _head.Length)
            {
                ReleaseHead();
            }
        }

        while (!_direct.IsEmpty && !IsGone())
        {
            if (!TrySend(_direct.Span, out var sent))
            {
                return false;
            }

            _direct = _direct[sent..];
        }

        if (_isBroken)
        {
            _direct = default;
            while (_head is not null)
            {
                ReleaseHead();
            }
        }

        return true;
    }

    private bool TrySendRest()
    {
        while (_rest is { } block)
        {
            var sent = 0;
            if (!IsGone() && !TrySend(block.Filled[_restStart..], out sent))
            {
                return false;
            }

            _restStart += sent;
            if (_restStart == block.Length || _isBroken)
            {
                (_rest, _restStart) = (block.NextBlock, 0);
                _blocks.Return(block);
            }
        }

        return true;
    }

    private bool TrySend(ReadOnlySpan<byte> bytes, out int sent)
    {
        sent = 0;
        if (bytes.IsEmpty)
        {
            return true;
        }

        sent = _descriptor.Send(bytes, out var error);
        if (sent >= 0)
        {
            return true;
        }

        sent = 0;
        if (error == Errno.Again)
        {
            return false;
        }

        _connection.OnSendFailed(error);
        _isBroken = true;
        return true;
    }

    private bool IsGone() => _isBroken |= _connection.AbortReason is not null;

    /// <summary>A flush ends before all of it was sent: what is left is the loop's from now on, and memory that was lent goes back.</summary>
    private void KeepRest()
    {
        if (!_direct.IsEmpty)
        {
            var kept = Block.Of(_direct.Length);
            _direct.CopyTo(kept.Free);
            kept.Fill(_direct.Length);
            _direct = default;
            Append(kept);
        }

        if (_rest is null)
        {
            (_rest, _restStart) = (_head, _start);
        }
        else if (_head is not null)
        {
            var last = _rest;
            while (last.NextBlock is { } next)
            {
                last = next;
            }

            last.Append(_head);
        }

        (_head, _tail, _start) = (null, null, 0);
    }

    private Block Room(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        ThrowIfCompleted();
        if (_tail is null || _tail.FreeSpan.Length < Math.Max(sizeHint, 1))
        {
            Append(sizeHint > BlockPool.BlockSize ? Block.Of(sizeHint) : _blocks.Rent());
        }

        return _tail!;
    }

    private void Append(Block block)
    {
        if (_tail is null)
        {
            _head = block;
            _start = 0;
        }
        else
        {
            _tail.Append(block);
        }

        _tail = block;
    }

    private void ReleaseHead()
    {
        var block = _head!;
        _head = block.NextBlock;
        _tail = _head is null ? null : _tail;
        _start = 0;
        _blocks.Return(block);
    }

    private void ThrowIfCompleted()
    {
        if ((Volatile.Read(ref _state) & IsCompleted) != 0)
        {
            throw new InvalidOperationException("The output was completed; nothing is sent any more");
        }
    }
}
