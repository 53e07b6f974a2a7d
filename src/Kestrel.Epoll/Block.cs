using System.Buffers;

namespace Kestrel.Epoll;

/// <summary>A block of memory that a read or a write fills; a link of a connection's <see cref="BlockChain"/>.</summary>
internal sealed class Block : ReadOnlySequenceSegment<byte>
{
    private readonly byte[] _bytes;

    private Block(byte[] bytes, bool isPooled)
    {
        _bytes = bytes;
        IsPooled = isPooled;
    }

    /// <summary>Whether it returns to the pool; otherwise the garbage collector takes it.</summary>
    public bool IsPooled { get; private set; }

    /// <summary>The number of filled bytes.</summary>
    public int Length { get; private set; }

    public Block? NextBlock => (Block?)Next;

    /// <summary>The memory that is not filled yet.</summary>
    public Memory<byte> Free => _bytes.AsMemory(Length);

    public Span<byte> FreeSpan => _bytes.AsSpan(Length);

    /// <summary>The filled bytes.</summary>
    public ReadOnlySpan<byte> Filled => _bytes.AsSpan(0, Length);

    public static Block Pooled(int size) => new(GC.AllocateUninitializedArray<byte>(size, pinned: true), isPooled: true);

    /// <summary>Allocates a block for one use.</summary>
    public static Block Of(int size) => new(GC.AllocateUninitializedArray<byte>(size), isPooled: false);

    /// <summary>Marks the next <paramref name="count"/> free bytes as filled.</summary>
    public void Fill(int count)
    {
        Length += count;
        Memory = _bytes.AsMemory(0, Length);
    }

    /// <summary>Links a block behind this one, which must not be filled further.</summary>
    public void Append(Block next)
    {
        next.RunningIndex = RunningIndex + Length;
        Next = next;
    }

    /// <summary>Makes the block never return to the pool.</summary>
    public void Disown() => IsPooled = false;

    /// <summary>Resets the block to its initial state.</summary>
    public void Clear()
    {
        Length = 0;
        Memory = default;
        Next = null;
        RunningIndex = 0;
    }
}
