namespace Kestrel.Epoll;

/// <summary>
/// The memory that the connections of one event loop read into. Most reads are written back and forgotten before the
/// next one, so that one block, warm in the cache, serves all connections; the rest wait here up to a bound.
/// </summary>
internal sealed class BlockPool
{
    /// <summary>The size of a block in bytes: what one system call moves at the most.</summary>
    public const int BlockSize = 64 * 1024;

    /// <summary>How many unused blocks are kept for the next burst: 4 MiB.</summary>
    private const int MaxIdle = 64;

    private readonly Stack<Block> _idle = new();
    private Block? _warm;
    private int _made;

    /// <summary>How many blocks connections hold; meant for tests, since it is only exact while nothing moves.</summary>
    public int InUse
    {
        get
        {
            lock (_idle)
            {
                return _made - _idle.Count - (_warm is null ? 0 : 1);
            }
        }
    }

    public Block Rent() => Interlocked.Exchange(ref _warm, null) ?? RentIdle();

    /// <summary>Takes a block back that no code looks at any more; one that is not the pool's is left to the garbage collector.</summary>
    public void Return(Block block)
    {
        if (!block.IsPooled)
        {
            return;
        }

        block.Clear();
        if (Interlocked.CompareExchange(ref _warm, block, null) is not null)
        {
            ReturnIdle(block);
        }
    }

    /// <summary>Lets a block go for good: code may be looking at it still, so that its memory must not be another's.</summary>
    public void Disown(Block block)
    {
        if (block.IsPooled)
        {
            block.Disown();
            lock (_idle)
            {
                _made--;
            }
        }
    }

    private Block RentIdle()
    {
        lock (_idle)
        {
            if (_idle.TryPop(out var block))
            {
                return block;
            }

            _made++;
        }

        return Block.Pooled(BlockSize);
    }

    private void ReturnIdle(Block block)
    {
        lock (_idle)
        {
            if (_idle.Count < MaxIdle)
            {
                _idle.Push(block);
            }
            else
            {
                _made--;
            }
        }
    }
}
