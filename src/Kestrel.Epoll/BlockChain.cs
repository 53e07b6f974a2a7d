using System.Buffers;

namespace Kestrel.Epoll;

/// <summary>
/// A list of blocks, the first of which may be partly consumed: bytes that were received but not consumed, or written but
/// not sent.
/// </summary>
internal struct BlockChain
{
    private Block? _head;
    private Block? _tail;
    private int _start;

    public readonly bool IsEmpty => _head is null;

    public readonly bool IsOneBlock => _head is not null && _head == _tail;

    /// <summary>The block that is filled next.</summary>
    public readonly Block? Last => _tail;

    /// <summary>The number of bytes in the chain.</summary>
    public readonly long Length => _head is null ? 0 : _tail!.RunningIndex + _tail.Length - _head.RunningIndex - _start;

    public readonly ReadOnlySequence<byte> Bytes => _head is null ? default : new ReadOnlySequence<byte>(_head, _start, _tail!, _tail!.Length);

    /// <summary>The unconsumed bytes of the first block.</summary>
    public readonly ReadOnlySpan<byte> FirstSpan => _head is null ? default : _head.Filled[_start..];

    public void Append(Block block)
    {
        if (_tail is null)
        {
            (_head, _start) = (block, 0);
        }
        else
        {
            _tail.Append(block);
        }

        _tail = block;
    }

    /// <summary>Moves the blocks of another chain to the end of this one.</summary>
    public void Append(ref BlockChain other)
    {
        if (IsEmpty)
        {
            this = other;
        }
        else
        {
            // Only whole blocks can be appended: nothing of the other chain has been consumed if this one is not empty.
            for (var block = other._head; block is not null; block = block.NextBlock)
            {
                Append(block);
            }
        }

        other = default;
    }

    /// <summary>
    /// Consumes the first <paramref name="count"/> bytes of the first block; a consumed block returns to the pool.
    /// </summary>
    public void Consume(int count, BlockPool pool)
    {
        _start += count;
        if (_start == _head!.Length)
        {
            ReleaseHead(pool);
        }
    }

    /// <summary>
    /// Consumes all bytes before <paramref name="start"/> in <paramref name="block"/>; consumed blocks return to the pool.
    /// </summary>
    public void ConsumeTo(Block block, int start, BlockPool pool)
    {
        while (_head is not null && _head != block)
        {
            ReleaseHead(pool);
        }

        while (_head is not null && start == _head.Length)
        {
            ReleaseHead(pool);
            start = 0;
        }

        _start = start;
    }

    /// <summary>Returns all blocks to the pool.</summary>
    public void Release(BlockPool pool)
    {
        while (_head is not null)
        {
            ReleaseHead(pool);
        }
    }

    /// <summary>Leaves all blocks to the garbage collector, because code may still use them.</summary>
    public void Disown(BlockPool pool)
    {
        for (var block = _head; block is not null; block = block.NextBlock)
        {
            pool.Disown(block);
        }

        this = default;
    }

    private void ReleaseHead(BlockPool pool)
    {
        var block = _head!;
        _head = block.NextBlock;
        _tail = _head is null ? null : _tail;
        _start = 0;
        pool.Return(block);
    }
}
