using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace EchoHost.Transport.Epoll;

/// <summary>
/// A connection's input. A read asks the kernel itself, into a block of the loop's that is given back as soon as its bytes
/// are consumed; only when there is nothing does it wait for the loop to report some. That a socket is empty is known
/// from a read that came short, so that no call is spent on hearing it.
/// </summary>
internal sealed class SocketReader(EpollConnection connection) : PipeReader, IValueTaskSource<ReadResult>, IThreadPoolWorkItem
{
    /// <summary>How many reads may succeed in a row before other connections have their turn.</summary>
    private const int MostReadsInARow = 8;

    /// <summary>What is left unconsumed and is no longer than this is moved out of its block while more is waited for.</summary>
    private const int MostKeptApart = 4096;

    // What _state is made of.
    private const int IsReadable = 1;
    private const int IsWaiting = 2;
    private const int IsCanceled = 4;
    private const int IsTokenCanceled = 8;
    private const int IsAborted = 16;

    /// <summary>Whatever ends a wait.</summary>
    private const int EndsWait = IsReadable | IsCanceled | IsTokenCanceled | IsAborted;

    private readonly EpollConnection _connection = connection;
    private readonly SocketDescriptor _descriptor = connection.Descriptor;
    private readonly BlockPool _blocks = connection.Loop.Blocks;
    private ManualResetValueTaskSourceCore<ReadResult> _wait = new() { RunContinuationsAsynchronously = !connection.ContinuesOnLoop };
    private CancellationTokenRegistration _cancellation;
    private CancellationToken _canceledBy;

    /// <summary>A new connection may have sent something already.</summary>
    private int _state = IsReadable;
    private Block? _head;
    private Block? _tail;
    private int _start;
    private int _readsInARow;
    private bool _isExamined = true;
    private bool _isCancelable;
    private bool _isCompleted;

    /// <summary>Once there was the end, an error or urgent data, more may be behind a read that comes short: only the kernel's word that there is nothing counts.</summary>
    private volatile bool _mayHideMore;
    private Exception? _failure;

    /// <summary>Whether the peer has ended its side and all before is read.</summary>
    public bool IsEnded { get; private set; }

    private ReadOnlySequence<byte> Buffered => _head is null ? default : new ReadOnlySequence<byte>(_head, _start, _tail!, _tail!.Length);

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        var hasHadItsTurn = _readsInARow >= MostReadsInARow;
        return !hasHadItsTurn && TryRead(out var result) ? new ValueTask<ReadResult>(result) : WaitAsync(hasHadItsTurn, cancellationToken);
    }

    public override bool TryRead(out ReadResult result)
    {
        ThrowIfCompleted();
        var isReadable = (Volatile.Read(ref _state) & IsReadable) != 0;
        if (isReadable)
        {
            // Forgotten before the kernel is asked: what it reports from now on is news.
            Interlocked.And(ref _state, ~IsReadable);
        }

        if (!TryTake(isReadable, out result))
        {
            // From here on the loop tells when there is more.
            _connection.WatchFor(EpollEvents.Readable);
            return false;
        }

        _readsInARow++;
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_head is null || consumed.GetObject() is not Block first)
        {
            return;
        }

        var start = consumed.GetInteger();
        _isExamined = examined.GetObject() == _tail && examined.GetInteger() == _tail!.Length;
        while (_head != first)
        {
            ReleaseHead();
        }

        while (_head is not null && start == _head.Length)
        {
            ReleaseHead();
            start = 0;
        }

        _start = start;
        _isExamined |= _head is null;
    }

    public override void CancelPendingRead() => Interrupt(IsCanceled);

    public override void Complete(Exception? exception = null)
    {
        if (!_isCompleted)
        {
            _isCompleted = true;
            var wasWaiting = TryClaimWait(out _);
            while (_head is not null)
            {
                ReleaseHead();
            }

            if (wasWaiting)
            {
                // Nobody reads any more, least of all who waits.
                EndCancellation();
                _wait.SetResult(new ReadResult(default, isCanceled: true, isCompleted: true));
            }
        }
    }

    /// <summary>The kernel has something: bytes, the peer's end or an error. Called on the loop.</summary>
    /// <param name="mayHideMore">Whether it is more than bytes.</param>
    public void OnReadable(bool mayHideMore)
    {
        if (mayHideMore)
        {
            _mayHideMore = true;
        }

        if (Interlocked.CompareExchange(ref _state, 0, IsWaiting) == IsWaiting)
        {
            EndWait(isReadable: true);
        }
        else if ((Interlocked.Or(ref _state, IsReadable) & IsWaiting) != 0)
        {
            Execute();
        }
    }

    /// <summary>The connection was aborted; a read fails from now on.</summary>
    public void OnAborted() => Interrupt(IsAborted);

    /// <summary>Ends the wait, if there is one; called on the loop.</summary>
    public void Execute()
    {
        if (TryClaimWait(out var isReadable))
        {
            EndWait(isReadable);
        }
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private ValueTask<ReadResult> WaitAsync(bool hasHadItsTurn, CancellationToken cancellationToken)
    {
        ThrowIfCompleted();
        KeepApart();
        _wait.Reset();
        var task = new ValueTask<ReadResult>(this, _wait.Version);
        _connection.WatchFor(EpollEvents.Readable);
        if (cancellationToken.CanBeCanceled)
        {
            _isCancelable = true;
            _canceledBy = cancellationToken;
            _cancellation = cancellationToken.UnsafeRegister(static reader => ((SocketReader)reader!).Interrupt(IsTokenCanceled), this);
        }

        var state = Interlocked.Or(ref _state, IsWaiting);
        if (hasHadItsTurn || (state & EndsWait) != 0)
        {
            _connection.Loop.Schedule(this);
        }

        return task;
    }

    private void ThrowIfCompleted()
    {
        if (_isCompleted)
        {
            throw new InvalidOperationException("The input was completed; nothing is read any more");
        }
    }

    private void Interrupt(int why)
    {
        if ((Interlocked.Or(ref _state, why) & IsWaiting) != 0)
        {
            _connection.Loop.Schedule(this);
        }
    }

    /// <summary>Of all who may end a wait, one gets to.</summary>
    private bool TryClaimWait(out bool isReadable)
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            isReadable = (state & IsReadable) != 0;
            if ((state & IsWaiting) == 0)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _state, state & ~(IsWaiting | IsReadable), state) == state)
            {
                return true;
            }
        }
    }

    /// <summary>From here on the token can't interrupt; what it may have done is undone.</summary>
    private void EndCancellation()
    {
        if (_isCancelable)
        {
            _cancellation.Dispose();
            (_cancellation, _isCancelable) = (default, false);
            Interlocked.And(ref _state, ~IsTokenCanceled);
        }
    }

    /// <summary>Whoever claimed the wait: gives the awaiting code what there is, or waits on.</summary>
    private void EndWait(bool isReadable)
    {
        while (true)
        {
            _readsInARow = 0;
            ReadResult result;
            try
            {
                if (!TryTake(isReadable, out result))
                {
                    var state = Interlocked.Or(ref _state, IsWaiting);
                    if ((state & EndsWait) == 0)
                    {
                        return;
                    }

                    if (!TryClaimWait(out isReadable))
                    {
                        return;
                    }

                    continue;
                }
            }
            catch (Exception e)
            {
                EndCancellation();
                _wait.SetException(e);
                return;
            }

            EndCancellation();
            _wait.SetResult(result);
            return;
        }
    }

    /// <summary>What there is to return now, asking the kernel where <paramref name="isReadable"/>; false when that is nothing.</summary>
    private bool TryTake(bool isReadable, out ReadResult result)
    {
        var state = Volatile.Read(ref _state);
        if ((state & (IsCanceled | IsTokenCanceled | IsAborted)) != 0)
        {
            // What interrupts may be about to end the connection: the next read asks the kernel itself, whatever the loop has reported.
            Interlocked.Or(ref _state, IsReadable);
            if ((state & IsAborted) != 0)
            {
                throw _connection.AbortReason!;
            }

            if ((state & IsTokenCanceled) != 0)
            {
                Interlocked.And(ref _state, ~IsTokenCanceled);
                throw new OperationCanceledException(_canceledBy);
            }

            Interlocked.And(ref _state, ~IsCanceled);
            result = new ReadResult(Buffered, isCanceled: true, IsEnded);
            return true;
        }

        if (_isExamined && !IsEnded)
        {
            if (_failure is not null)
            {
                throw _failure;
            }

            if (!isReadable || !TryReceive())
            {
                result = default;
                return false;
            }
        }
        else if (isReadable)
        {
            Interlocked.Or(ref _state, IsReadable);
        }

        _isExamined = false;
        result = new ReadResult(Buffered, isCanceled: false, IsEnded);
        return true;
    }

    /// <summary>Receives once; false when there is nothing yet.</summary>
    /// <exception cref="IOException">The connection failed.</exception>
    private bool TryReceive()
    {
        const int worthFilling = BlockPool.BlockSize / 4;
        var isNew = _tail is null || _tail.FreeSpan.Length < worthFilling;
        var block = isNew ? _blocks.Rent() : _tail!;
        var free = block.FreeSpan;
        var received = _descriptor.Receive(free, out var error);
        if (received > 0)
        {
            block.Fill(received);
            if (isNew)
            {
                Append(block);
            }

            if (received == free.Length || _mayHideMore || _connection.IsUnix)
            {
                Interlocked.Or(ref _state, IsReadable);
            }

            return true;
        }

        if (isNew)
        {
            _blocks.Return(block);
        }

        if (error == Errno.Again)
        {
            return false;
        }

        // After a failed send the kernel has told its error already, and says no more than that this is the end.
        _failure = _connection.ReceiveFailure(error);
        IsEnded = _failure is null;
        _connection.OnInputEnded();
        return IsEnded ? true : throw _failure!;
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
        _blocks.Return(block);
    }

    /// <summary>A few bytes that wait for others must not hold a whole block, as those of a slow header would on thousands of connections.</summary>
    private void KeepApart()
    {
        if (_head is null || (_head == _tail && !_head.IsPooled) || Buffered.Length > MostKeptApart)
        {
            return;
        }

        var rest = Buffered;
        var kept = Block.Of((int)rest.Length);
        rest.CopyTo(kept.FreeSpan);
        kept.Fill((int)rest.Length);
        while (_head is not null)
        {
            ReleaseHead();
        }

        Append(kept);
    }
}
