using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Kestrel.Epoll;

/// <summary>
/// A connection's input. A read calls recv(2) directly, into a block of the loop that returns to the pool once its bytes
/// are consumed. Only if there is nothing does it wait for the loop to report more. A read that does not fill the block has
/// emptied the socket, so no extra call is spent to find that out.
/// </summary>
/// <remarks>
/// Code that touches the blocks or the wait holds the lock, also while the kernel fills a block. So the loop, the reading
/// code and the code that closes the connection never do that at once. Results are set, and callbacks called, without the
/// lock.
/// </remarks>
internal sealed class SocketReader(EpollConnection connection) : PipeReader, IValueTaskSource<ReadResult>, IThreadPoolWorkItem
{
    /// <summary>The maximum number of successful reads in a row before other connections have their turn.</summary>
    private const int MaxReadsInARow = 8;

    /// <summary>Unconsumed bytes up to this number are moved out of their block while the read waits for more.</summary>
    private const int MaxKeptApart = 4096;

    private readonly EpollConnection _connection = connection;
    private readonly SocketDescriptor _descriptor = connection.Descriptor;
    private readonly BlockPool _blocks = connection.Loop.Blocks;
    private Wait<ReadResult> _wait = new(connection.ContinuesOnLoop);
    private BlockChain _received;
    private Exception? _failure;
    private int _readsInARow;

    /// <summary>Whether the kernel may have bytes; true at first, because a new connection may already have sent some.</summary>
    private bool _isReadable = true;

    /// <summary>Whether the reading code has examined all received bytes.</summary>
    private bool _isExamined = true;

    /// <summary>Whether the reading code holds a result, and may be using the blocks.</summary>
    private bool _isHanded;
    private bool _isCanceled;
    private bool _isCompleted;

    /// <summary>
    /// Set once the end, an error or urgent data was reported. More may then follow a read that does not fill the block, so
    /// only EAGAIN proves that there is nothing.
    /// </summary>
    private bool _mayHideMore;
    private volatile bool _isEnded;

    /// <summary>Whether the peer has closed its side and all bytes before that are read.</summary>
    public bool IsEnded => _isEnded;

    /// <exception cref="InvalidOperationException">The input is completed, or a read is pending.</exception>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        short wait;
        bool isInTurn;
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            ThrowIfNotFree();
            isInTurn = _readsInARow < MaxReadsInARow;
            if (isInTurn && TryTake(out var result))
            {
                _readsInARow++;
                return new ValueTask<ReadResult>(result);
            }

            KeepApart();
            wait = _wait.Begin(cancellationToken);
        }

        var task = new ValueTask<ReadResult>(this, wait);
        Watch();
        if (!isInTurn)
        {
            _connection.Loop.Schedule(this);
        }

        if (cancellationToken.CanBeCanceled)
        {
            CancelWith(wait, cancellationToken);
        }

        return task;
    }

    public override bool TryRead(out ReadResult result)
    {
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            ThrowIfNotFree();
            if (TryTake(out result))
            {
                _readsInARow++;
                return true;
            }
        }

        // From now on the loop reports when there is more.
        Watch();
        return false;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            _isHanded = false;
            if (_received.IsEmpty || consumed.GetObject() is not Block first)
            {
                return;
            }

            _isExamined = examined.GetObject() == _received.Last && examined.GetInteger() == _received.Last!.Length;
            _received.ConsumeTo(first, consumed.GetInteger(), _blocks);
            _isExamined |= _received.IsEmpty;
        }
    }

    public override void CancelPendingRead()
    {
        bool isPending;
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            _isCanceled = true;
            isPending = _wait.IsPending;
        }

        if (isPending)
        {
            _connection.Loop.Schedule(this);
        }
    }

    /// <summary>
    /// Ends the input, and a pending read with it. If other code than the reading code calls this, blocks that the latter
    /// may still be using are never reused.
    /// </summary>
    public override void Complete(Exception? exception = null)
    {
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            if (_isCompleted)
            {
                return;
            }

            _isCompleted = true;
            if (_isHanded)
            {
                _received.Disown(_blocks);
            }
            else
            {
                _received.Release(_blocks);
            }

            if (!_wait.IsPending)
            {
                return;
            }

            _wait.End();
        }

        _wait.SetResult(new ReadResult(default, isCanceled: true, isCompleted: true));
    }

    /// <summary>Called on the loop when the kernel reports bytes, the peer's end or an error.</summary>
    /// <param name="mayHideMore">Whether it reports more than bytes.</param>
    public void OnReadable(bool mayHideMore) => GoOn(isReadable: true, mayHideMore);

    /// <summary>Called when the connection was aborted: from now on a read fails.</summary>
    public void OnAborted() => _connection.Loop.Schedule(this);

    /// <summary>Ends the pending read if there is a result; called on the loop.</summary>
    public void Execute() => GoOn(isReadable: false, mayHideMore: false);

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private void GoOn(bool isReadable, bool mayHideMore)
    {
        ReadResult result = default;
        Exception? failure = null;
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            _isReadable |= isReadable;
            _mayHideMore |= mayHideMore;
            if (!_wait.IsPending)
            {
                return;
            }

            _readsInARow = 0;
            try
            {
                if (!TryTake(out result))
                {
                    return;
                }
            }
            catch (Exception e)
            {
                failure = e;
            }

            _wait.End();
        }

        _connection.Loop.Pass();
        if (failure is null)
        {
            _wait.SetResult(result);
        }
        else
        {
            _wait.SetException(failure);
        }
    }

    /// <summary>
    /// Registers with the token, without holding the lock: a token that is already cancelled calls back at once.
    /// </summary>
    private void CancelWith(short wait, CancellationToken cancellationToken)
    {
        var cancellation = cancellationToken.UnsafeRegister(static (reader, token) => ((SocketReader)reader!).OnCanceled(token), this);
        _connection.Loop.BeforeLock(this);
        lock (this)
        {
            if (_wait.TryKeep(wait, cancellation))
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
            if (!_wait.TryCancel(token))
            {
                return;
            }
        }

        _connection.Loop.Schedule(this);
    }

    /// <summary>
    /// Makes the loop report input. If the kernel refuses, the connection is aborted, which ends a pending read.
    /// </summary>
    private void Watch() => _connection.WatchFor(EpollEvents.Readable);

    private void ThrowIfNotFree()
    {
        if (_isCompleted)
        {
            throw new InvalidOperationException("The input was completed; nothing is read any more");
        }

        if (_wait.IsPending)
        {
            throw new InvalidOperationException("A read is under way already");
        }
    }

    /// <summary>Returns what is available now, asking the kernel if it may have bytes; false if there is nothing.</summary>
    private bool TryTake(out ReadResult result)
    {
        if (_connection.AbortReason is { } aborted)
        {
            throw aborted;
        }

        if (_wait.IsPending && _wait.IsCanceled)
        {
            _isReadable = true;
            throw new OperationCanceledException(_wait.Token);
        }

        if (_isCanceled)
        {
            // The caller may be about to close the connection, so the next read asks the kernel whatever the loop has reported.
            (_isReadable, _isCanceled) = (true, false);
            result = Hand(isCanceled: true);
            return true;
        }

        if (_isExamined && !IsEnded)
        {
            if (_failure is not null)
            {
                throw _failure;
            }

            if (!_isReadable || !TryReceive())
            {
                result = default;
                return false;
            }
        }

        _isExamined = false;
        result = Hand(isCanceled: false);
        return true;
    }

    private ReadResult Hand(bool isCanceled)
    {
        _isHanded = !_received.IsEmpty;
        return new ReadResult(_received.Bytes, isCanceled, IsEnded);
    }

    /// <summary>Receives once; false if there is nothing yet.</summary>
    /// <exception cref="IOException">The connection failed.</exception>
    private bool TryReceive()
    {
        const int worthFilling = BlockPool.BlockSize / 4;
        var isNew = _received.IsEmpty || _received.Last!.FreeSpan.Length < worthFilling;
        var block = isNew ? _blocks.Rent() : _received.Last!;
        var free = block.FreeSpan;
        _connection.Loop.Pass();
        var received = _descriptor.Receive(free, out var error);
        _connection.Loop.Pass();
        if (received > 0)
        {
            block.Fill(received);
            if (isNew)
            {
                _received.Append(block);
            }

            // A short read has emptied the socket, so later reports are new.
            _isReadable = received == free.Length || _mayHideMore || _connection.IsUnix;
            return true;
        }

        if (isNew)
        {
            _blocks.Return(block);
        }

        if (error == Errno.Again)
        {
            _isReadable = false;
            return false;
        }

        // After a failed send the kernel has already reported its error, and now reports only the end.
        _failure = _connection.ReceiveFailure(error);
        _isEnded = _failure is null;
        _connection.OnInputEnded();
        return _isEnded ? true : throw _failure!;
    }

    /// <summary>
    /// Copies a few waiting bytes to a small block. Otherwise slow headers on thousands of connections would hold a whole
    /// block each.
    /// </summary>
    private void KeepApart()
    {
        if (_isHanded || _received.IsEmpty || (_received.IsOneBlock && !_received.Last!.IsPooled) || _received.Length > MaxKeptApart)
        {
            return;
        }

        var kept = Block.Of((int)_received.Length);
        _received.Bytes.CopyTo(kept.FreeSpan);
        kept.Fill((int)_received.Length);
        _received.Release(_blocks);
        _received.Append(kept);
    }
}
