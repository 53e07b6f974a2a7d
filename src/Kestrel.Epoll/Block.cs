using System.Buffers;

namespace Kestrel.Epoll;

/// <summary>A piece of memory that a read fills or a write is made in: a link of the chain that a connection holds.</summary>
internal sealed class Block : ReadOnlySequenceSegment<byte>
{
    private readonly byte[] _bytes;

    private Block(byte[] bytes, bool isPooled)
    {
        _bytes = bytes;
        IsPooled = isPooled;
    }

    /// <summary>Whether the pool wants it back; any other is left to the garbage collector.</summary>
    public bool IsPooled { get; private set; }

    /// <summary>How many bytes are filled.</summary>
    public int Length { get; private set; }

    public Block? NextBlock => (Block?)Next;

    /// <summary>What is not filled yet.</summary>
    public Memory<byte> Free => _bytes.AsMemory(Length);

    public Span<byte> FreeSpan => _bytes.AsSpan(Length);

    /// <summary>The filled bytes.</summary>
    public ReadOnlySpan<byte> Filled => _bytes.AsSpan(0, Length);

    public static Block Pooled(int size) => new(GC.AllocateUninitializedArray<byte>(size, pinned: true), isPooled: true);

    /// <summary>A block for one use.</summary>
    public static Block Of(int size) => new(GC.AllocateUninitializedArray<byte>(size), isPooled: false);

    /// <summary>The next <paramref name="count"/> free bytes have been filled.</summary>
    public void Fill(int count)
    {
        Length += count;
        Memory = _bytes.AsMemory(0, Length);
    }

    /// <summary>Puts a block behind this one, which is filled no further.</summary>
    public void Append(Block next)
    {
        next.RunningIndex = RunningIndex + Length;
        Next = next;
    }

    /// <summary>The pool gets it back no more.</summary>
    public void Disown() => IsPooled = false;

    /// <summary>Makes it as it was when new.</summary>
    public void Clear()
    {
        Length = 0;
        Memory = default;
        Next = null;
        RunningIndex = 0;
    }
}
