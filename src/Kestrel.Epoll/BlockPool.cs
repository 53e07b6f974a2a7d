namespace Kestrel.Epoll;

/// <summary>
/// The memory of one event loop's connections. Most bytes are echoed before the next read, so a single block, warm in the
/// cache, can serve all connections; other idle blocks are kept up to a limit.
/// </summary>
internal sealed class BlockPool
{
    /// <summary>The size of a block in bytes: the maximum that one system call moves.</summary>
    public const int BlockSize = 64 * 1024;

    /// <summary>The maximum number of idle blocks, kept for the next burst: 4 MiB.</summary>
    private const int MaxIdle = 64;

    private readonly Stack<Block> _idle = new();
    private Block? _warm;
    private int _made;

    /// <summary>The number of blocks that connections hold. For tests: exact only while nothing changes.</summary>
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

    /// <summary>
    /// Takes back a block that no code uses any more; a block of another origin is left to the garbage collector.
    /// </summary>
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

    /// <summary>Gives up a block that code may still use, so that its memory is never reused.</summary>
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
