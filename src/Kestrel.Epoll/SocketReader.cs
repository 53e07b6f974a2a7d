using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Kestrel.Epoll;

/// <summary>
/// A connection's input. A read asks the kernel itself, into a block of the loop's that is given back as soon as its bytes
/// are consumed; only when there is nothing does it wait for the loop to report some. That a socket is empty is known
/// from a read that came short, so that no call is spent on hearing it.
/// </summary>
/// <remarks>
/// Code that touches the blocks or the wait holds the lock, also while the kernel fills a block: so the loop, the reading code
/// and the code that closes the connection never do so at once. A result is set, and others are called, without it.
/// </remarks>
internal sealed class SocketReader(EpollConnection connection) : PipeReader, IValueTaskSource<ReadResult>, IThreadPoolWorkItem
{
    /// <summary>How many reads may succeed in a row before other connections have their turn.</summary>
    private const int MaxReadsInARow = 8;

    /// <summary>What is left unconsumed and is no longer than this is moved out of its block while more is waited for.</summary>
    private const int MaxKeptApart = 4096;

    private readonly EpollConnection _connection = connection;
    private readonly SocketDescriptor _descriptor = connection.Descriptor;
    private readonly BlockPool _blocks = connection.Loop.Blocks;
    private Wait<ReadResult> _wait = new(connection.ContinuesOnLoop);
    private BlockChain _received;
    private Exception? _failure;
    private int _readsInARow;

    /// <summary>Whether to ask the kernel: a new connection may have sent something already.</summary>
    private bool _isReadable = true;

    /// <summary>Whether the reading code has seen all that is there.</summary>
    private bool _isExamined = true;

    /// <summary>Whether the reading code holds a result, and may be looking at the blocks.</summary>
    private bool _isHanded;
    private bool _isCanceled;
    private bool _isCompleted;

    /// <summary>
    /// Once there was the end, an error or urgent data, more may be behind a read that comes short: only the kernel's word that
    /// there is nothing counts.
    /// </summary>
    private bool _mayHideMore;
    private volatile bool _isEnded;

    /// <summary>Whether the peer has ended its side and all before is read.</summary>
    public bool IsEnded => _isEnded;

    /// <exception cref="InvalidOperationException">The input was completed, or a read is under way.</exception>
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

        // From here on the loop tells when there is more.
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
    /// Ends the input, and a read that is under way with it. Blocks that the reading code may still be looking at, where it
    /// is not what ends it, are never given to others.
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

    /// <summary>The kernel has something: bytes, the peer's end or an error. Called on the loop.</summary>
    /// <param name="mayHideMore">Whether it is more than bytes.</param>
    public void OnReadable(bool mayHideMore) => GoOn(isReadable: true, mayHideMore);

    /// <summary>The connection was aborted, which it says itself: a read fails from now on.</summary>
    public void OnAborted() => _connection.Loop.Schedule(this);

    /// <summary>Ends the wait, if there is one and something to end it with; called on the loop.</summary>
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

    /// <summary>Without the lock: the token may be canceled already, and calls back at once.</summary>
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

    /// <summary>Has the loop report what comes. Where the kernel refuses, the connection is over, and so is a wait.</summary>
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

    /// <summary>What there is to return now, asking the kernel where it may have something; false when that is nothing.</summary>
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
            // What interrupts may be about to end the connection: the next read asks the kernel itself, whatever the loop has reported.
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

    /// <summary>Receives once; false when there is nothing yet.</summary>
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

            // What came short has emptied the socket; what is reported from now on is news.
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

        // After a failed send the kernel has told its error already, and says no more than that this is the end.
        _failure = _connection.ReceiveFailure(error);
        _isEnded = _failure is null;
        _connection.OnInputEnded();
        return _isEnded ? true : throw _failure!;
    }

    /// <summary>A few bytes that wait for others must not hold a whole block, as those of a slow header would on thousands of connections.</summary>
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
