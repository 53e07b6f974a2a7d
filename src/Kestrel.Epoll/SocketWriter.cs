using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Kestrel.Epoll;

/// <summary>
/// A connection's output. A flush hands the bytes to the kernel at once; only what that does not take waits for the loop
/// to report room, and the flush with it, so that no more is ever held than one flush brought.
/// </summary>
/// <remarks>
/// <para><see cref="WriteAsync"/> sends straight from the caller's memory, which the caller leaves alone until the write is done.</para>
/// <para>
/// Code that touches the bytes or the wait holds the lock, also while the kernel takes bytes: so they leave in order,
/// whichever thread sends. A result is set, and others are called, without it.
/// </para>
/// </remarks>
internal sealed class SocketWriter(EpollConnection connection) : PipeWriter, IValueTaskSource<FlushResult>, IThreadPoolWorkItem
{
    private readonly EpollConnection _connection = connection;
    private readonly SocketDescriptor _descriptor = connection.Descriptor;
    private readonly BlockPool _blocks = connection.Loop.Blocks;
    private Wait<FlushResult> _flush = new(connection.ContinuesOnLoop);

    /// <summary>What a canceled flush left, and the loop sends meanwhile; goes out first.</summary>
    private BlockChain _rest;

    /// <summary>What is written into memory of this writer's own.</summary>
    private BlockChain _written;

    /// <summary>What <see cref="WriteAsync"/> was given and is not sent yet; goes out last.</summary>
    private ReadOnlyMemory<byte> _direct;
    private Action? _onFinished;

    /// <summary>Whether the writing code holds memory of the last block.</summary>
    private bool _isLent;
    private bool _isCanceled;
    private bool _isCompleted;

    /// <summary>The peer takes no more.</summary>
    private bool _isBroken;
    private volatile bool _isFinished;

    /// <summary>Whether the last byte has been handed to the kernel, or never will be.</summary>
    public bool IsFinished => _isFinished;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes
    {
        get
        {
            _connection.Loop.BeforeLock(this);
            lock (this)
            {
                return _written.Length;
            }
        }
    }

    public override Memory<byte> GetMemory(int sizeHint = 0) => Room(sizeHint).Free;

    public override Span<byte> GetSpan(int sizeHint = 0) => Room(sizeHint).FreeSpan;

    public override void Advance(int bytes)
    {
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            ThrowIfCompleted();
            ArgumentOutOfRangeException.ThrowIfNegative(bytes);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _written.Last?.FreeSpan.Length ?? 0);
            _written.Last?.Fill(bytes);
            _isLent = false;
        }
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => SendAsync(default, cancellationToken);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        SendAsync(source, cancellationToken);

    public override void CancelPendingFlush()
    {
        bool isPending;
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            _isCanceled = true;
            isPending = _flush.IsPending;
        }

        if (isPending)
        {
            _connection.Loop.Schedule(this);
        }
    }

    /// <summary>Ends the output: what is written is sent, then the connection is told. A flush that is under way ends first.</summary>
    public override void Complete(Exception? exception = null)
    {
        bool isFinished;
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            if (_isCompleted)
            {
                return;
            }

            _isCompleted = true;
            if (_isLent)
            {
                // The writing code may write into it still, where it is not the code that ends the output.
                _blocks.Disown(_written.Last!);
            }

            if (_flush.IsPending)
            {
                return;
            }

            isFinished = TrySend();
        }

        if (isFinished)
        {
            Finish();
        }
        else
        {
            Watch();
        }
    }

#pragma warning disable CS0672 // Deprecated because not every PipeWriter calls back; this one does.
    /// <summary>Calls back when the last byte has been handed to the kernel, or never will be.</summary>
    public override void OnReaderCompleted(Action<Exception?, object?> callback, object? state) => WhenFinished(() => callback(null, state));
#pragma warning restore CS0672

    /// <summary>Calls back when <see cref="IsFinished"/>, at once where it is.</summary>
    public void WhenFinished(Action callback)
    {
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            if (!_isFinished)
            {
                _onFinished += callback;
                return;
            }
        }

        callback();
    }

    /// <summary>The connection was aborted, which it says itself: nothing can be sent any more.</summary>
    public void OnAborted() => _connection.Loop.Schedule(this);

    /// <summary>Sends on, where something waits: the kernel has room or news of an error, or the wait is to end. Called on the loop.</summary>
    public void Execute()
    {
        FlushResult result = default;
        CancellationToken? canceledBy = null;
        bool isFlushed, isFinished;
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            if (_isFinished)
            {
                return;
            }

            var isAllSent = _flush.IsPending || _isCompleted ? TrySend() : TrySendRest();
            isFlushed = _flush.IsPending && (isAllSent || _isCanceled || _flush.IsCanceled);
            if (isFlushed)
            {
                canceledBy = _flush.IsCanceled && !isAllSent ? _flush.Token : null;
                result = canceledBy is null ? TakeResult() : default;
                KeepRest();
                _flush.End();
            }

            isFinished = _isCompleted && isAllSent && !_flush.IsPending;
        }

        _connection.Loop.Pass();
        if (isFinished)
        {
            Finish();
        }

        if (isFlushed)
        {
            if (canceledBy is { } token)
            {
                _flush.SetException(new OperationCanceledException(token));
            }
            else
            {
                _flush.SetResult(result);
            }
        }
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token) => _flush.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _flush.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _flush.OnCompleted(continuation, state, token, flags);

    private ValueTask<FlushResult> SendAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        short flush;
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            ThrowIfCompleted();
            if (_flush.IsPending)
            {
                throw new InvalidOperationException("A flush is under way already");
            }

            var sent = 0;
            if (_written.IsEmpty && _rest.IsEmpty && !IsGone() && TrySend(source.Span, out sent) && sent == source.Length)
            {
                // All at once, as nearly always.
                return new ValueTask<FlushResult>(TakeResult());
            }

            _isLent = false;
            _direct = source[sent..];
            if (TrySend())
            {
                return new ValueTask<FlushResult>(TakeResult());
            }

            flush = _flush.Begin(cancellationToken);
        }

        var task = new ValueTask<FlushResult>(this, flush);
        Watch();
        if (cancellationToken.CanBeCanceled)
        {
            CancelWith(flush, cancellationToken);
        }

        return task;
    }

    /// <summary>Without the lock: the token may be canceled already, and calls back at once.</summary>
    private void CancelWith(short flush, CancellationToken cancellationToken)
    {
        var cancellation = cancellationToken.UnsafeRegister(static (writer, token) => ((SocketWriter)writer!).OnCanceled(token), this);
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            if (_flush.TryKeep(flush, cancellation))
            {
                return;
            }
        }

        cancellation.Unregister();
    }

    private void OnCanceled(CancellationToken token)
    {
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            if (!_flush.TryCancel(token))
            {
                return;
            }
        }

        _connection.Loop.Schedule(this);
    }

    /// <summary>Has the loop report when there is room. Where the kernel refuses, the connection is over, and so is a flush.</summary>
    private void Watch() => _connection.WatchFor(EpollEvents.Writable);

    private void Finish()
    {
        Action? callbacks;
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            if (_isFinished)
            {
                return;
            }

            callbacks = _onFinished;
            (_onFinished, _isFinished) = (null, true);
        }

        _connection.OnOutputFinished();
        callbacks?.Invoke();
    }

    private FlushResult TakeResult()
    {
        var isCanceled = _isCanceled;
        _isCanceled = false;
        return new FlushResult(isCanceled, _isBroken);
    }

    /// <summary>Hands over to the kernel what there is; false when it takes no more for now.</summary>
    private bool TrySend()
    {
        if (!TrySendRest() || !TrySend(ref _written))
        {
            return false;
        }

        while (!_direct.IsEmpty && !IsGone())
        {
            if (!TrySend(_direct.Span, out var sent))
            {
                return false;
            }

            _direct = _direct[sent..];
        }

        _direct = default;
        return true;
    }

    private bool TrySendRest() => TrySend(ref _rest);

    /// <summary>Where the peer is gone, the bytes are dropped.</summary>
    private bool TrySend(ref BlockChain chain)
    {
        while (!chain.IsEmpty && !IsGone())
        {
            if (!TrySend(chain.FirstSpan, out var sent))
            {
                return false;
            }

            chain.Consume(sent, _blocks);
        }

        chain.Release(_blocks);
        return true;
    }

    private bool TrySend(ReadOnlySpan<byte> bytes, out int sent)
    {
        sent = 0;
        if (bytes.IsEmpty)
        {
            return true;
        }

        _connection.Loop.Pass();
        sent = _descriptor.Send(bytes, out var error);
        _connection.Loop.Pass();
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
            _written.Append(kept);
        }

        _rest.Append(ref _written);
    }

    private Block Room(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            ThrowIfCompleted();
            if (_written.IsEmpty || _written.Last!.FreeSpan.Length < Math.Max(sizeHint, 1))
            {
                _written.Append(sizeHint > BlockPool.BlockSize ? Block.Of(sizeHint) : _blocks.Rent());
            }

            _isLent = true;
            return _written.Last!;
        }
    }

    private void ThrowIfCompleted()
    {
        if (_isCompleted)
        {
            throw new InvalidOperationException("The output was completed; nothing is sent any more");
        }
    }
}
