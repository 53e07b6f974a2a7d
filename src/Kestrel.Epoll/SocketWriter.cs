using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Kestrel.Epoll;

/// <summary>
/// A connection's output. A flush hands the bytes to the kernel at once. If the kernel does not take all of them, the rest
/// and the flush wait for the loop to report room, so that no more is held than the bytes of one flush.
/// </summary>
/// <remarks>
/// <para>
/// <see cref="WriteAsync"/> sends from the caller's memory, which the caller must not change until the write completes.
/// </para>
/// <para>
/// Code that touches the bytes or the wait holds the lock, also while the kernel takes bytes, so that they leave in order,
/// whichever thread sends. Results are set, and callbacks called, without the lock.
/// </para>
/// </remarks>
internal sealed class SocketWriter(EpollConnection connection) : PipeWriter, IValueTaskSource<FlushResult>, IThreadPoolWorkItem
{
    private readonly EpollConnection _connection = connection;
    private readonly SocketDescriptor _descriptor = connection.Descriptor;
    private readonly BlockPool _blocks = connection.Loop.Blocks;
    private Wait<FlushResult> _flush = new(connection.ContinuesOnLoop);

    /// <summary>The remaining bytes of a cancelled flush, which the loop sends; sent first.</summary>
    private BlockChain _rest;

    /// <summary>Bytes written into this writer's own memory.</summary>
    private BlockChain _written;

    /// <summary>The unsent bytes of <see cref="WriteAsync"/>; sent last.</summary>
    private ReadOnlyMemory<byte> _direct;
    private Action? _onFinished;

    /// <summary>Whether the writing code holds memory of the last block.</summary>
    private bool _isLent;
    private bool _isCanceled;
    private bool _isCompleted;

    /// <summary>Whether a send has failed, so that the peer takes no more.</summary>
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

    /// <summary>Ends the output: sends what was written, then informs the connection. A pending flush completes first.</summary>
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
                // If other code ends the output, the writing code may still write into this block.
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

    /// <summary>Calls back on <see cref="IsFinished"/>; at once if it is already true.</summary>
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

    /// <summary>Called when the connection was aborted: from now on nothing can be sent.</summary>
    public void OnAborted() => _connection.Loop.Schedule(this);

    /// <summary>
    /// Continues to send, or ends a pending flush; called on the loop when the kernel reports room or an error.
    /// </summary>
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
                // All bytes at once, the usual case.
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

    /// <summary>
    /// Registers with the token, without holding the lock: a token that is already cancelled calls back at once.
    /// </summary>
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

    /// <summary>
    /// Makes the loop report room. If the kernel refuses, the connection is aborted, which ends a pending flush.
    /// </summary>
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

    /// <summary>Hands all bytes to the kernel; false if it takes no more for now.</summary>
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

    /// <summary>Sends a chain; drops its bytes if the peer is gone.</summary>
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

    /// <summary>
    /// Keeps the unsent bytes of a flush that ends early: the loop sends them, and the caller's memory is no longer used.
    /// </summary>
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
