using System.Buffers.Binary;

namespace EchoHost.Peers.Load;

/// <summary>
/// The messages of a load test. Each begins with eight bytes that no other message has, then come random bytes from a
/// place that changes with the message: one that is stale, or another connection's, does not compare.
/// </summary>
internal sealed class LoadPayload
{
    private const int UniqueBytes = sizeof(ulong);

    /// <summary>How many places there are to begin at; prime, so that places don't repeat in step with anything.</summary>
    private const int Places = 4093;

    private readonly byte[] _random;
    private readonly ulong _seed = (ulong)Random.Shared.NextInt64();

    /// <param name="size">Bytes a message.</param>
    public LoadPayload(int size)
    {
        Size = size;
        _random = new byte[size + Places];
        Random.Shared.NextBytes(_random);
    }

    /// <summary>Bytes a message.</summary>
    public int Size { get; }

    /// <summary>Writes a part of a message.</summary>
    /// <param name="part">Where to.</param>
    /// <param name="message">Which message: its connection's number and its own.</param>
    /// <param name="offset">Where in the message the part begins.</param>
    public void Fill(Span<byte> part, (int Connection, long Number) message, int offset)
    {
        At(message, offset, part.Length).CopyTo(part);
        if (offset < UniqueBytes)
        {
            Span<byte> unique = stackalloc byte[UniqueBytes];
            WriteUnique(unique, message);
            unique[offset..Math.Min(UniqueBytes, offset + part.Length)].CopyTo(part);
        }
    }

    /// <summary>Whether a part of a message is what was sent.</summary>
    public bool Matches(ReadOnlySpan<byte> part, (int Connection, long Number) message, int offset)
    {
        if (offset >= UniqueBytes)
        {
            return part.SequenceEqual(At(message, offset, part.Length));
        }

        Span<byte> unique = stackalloc byte[UniqueBytes];
        WriteUnique(unique, message);
        var count = Math.Min(UniqueBytes - offset, part.Length);
        return part[..count].SequenceEqual(unique.Slice(offset, count))
            && part[count..].SequenceEqual(At(message, offset + count, part.Length - count));
    }

    private ReadOnlySpan<byte> At((int Connection, long Number) message, int offset, int length) =>
        _random.AsSpan((int)((message.Number + message.Connection) % Places) + offset, length);

    /// <summary>Each connection has 2^40 numbers to itself; the mixing, which is SplitMix64's, only spreads them over all eight bytes.</summary>
    private void WriteUnique(Span<byte> unique, (int Connection, long Number) message)
    {
        var mixed = _seed + ((((ulong)message.Connection << 40) + (ulong)message.Number) * 0x9E3779B97F4A7C15);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        BinaryPrimitives.WriteUInt64LittleEndian(unique, mixed ^ (mixed >> 31));
    }
}
