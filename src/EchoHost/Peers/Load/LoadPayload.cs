using System.Buffers.Binary;

namespace EchoHost.Peers.Load;

/// <summary>
/// The messages of a load test. Each message begins with eight unique bytes. The others come from a block of random bytes, at
/// an offset that changes with the message. So a stale echo, or that of another connection, does not compare.
/// </summary>
internal sealed class LoadPayload
{
    private const int UniqueBytes = sizeof(ulong);

    /// <summary>The number of offsets in the random bytes; prime, so that offsets don't repeat in step with anything.</summary>
    private const int Places = 4093;

    private readonly byte[] _random;
    private readonly ulong _seed = (ulong)Random.Shared.NextInt64();

    /// <param name="size">The length of a message in bytes.</param>
    public LoadPayload(int size)
    {
        Size = size;
        _random = new byte[size + Places];
        Random.Shared.NextBytes(_random);
    }

    /// <summary>The length of a message in bytes.</summary>
    public int Size { get; }

    /// <summary>Writes a part of a message.</summary>
    /// <param name="part">The buffer to fill.</param>
    /// <param name="message">The number of the connection, and that of the message on it.</param>
    /// <param name="offset">The offset of the part in the message.</param>
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

    /// <summary>Whether received bytes equal that part of the message.</summary>
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

    /// <summary>
    /// Writes the unique bytes of a message. Each connection has its own range of 2^40 numbers; SplitMix64's mixing spreads
    /// them over all eight bytes.
    /// </summary>
    private void WriteUnique(Span<byte> unique, (int Connection, long Number) message)
    {
        var mixed = _seed + ((((ulong)message.Connection << 40) + (ulong)message.Number) * 0x9E3779B97F4A7C15);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        BinaryPrimitives.WriteUInt64LittleEndian(unique, mixed ^ (mixed >> 31));
    }
}
