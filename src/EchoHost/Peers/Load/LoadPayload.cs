using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace EchoHost.Peers.Load;

/// <summary>
/// The messages of a load test. Those of a connection follow each other in a stream of random bytes, in which the first eight
/// bytes of each message are unique. So a stale echo, that of another connection, or a byte out of place does not compare.
/// </summary>
/// <remarks>
/// The random bytes repeat after a prime number of bytes, which neither the size of a buffer nor that of a page is a multiple of.
/// So any part of any stream up to <see cref="MaxPart"/> lies in one small array. It is compared with what comes back; and a
/// <see cref="LoadTemplate"/> is a copy of it to send from, so that only unique bytes are written before a message is sent.
/// </remarks>
internal sealed unsafe partial class LoadPayload
{
    /// <summary>The maximum length of a part of a stream that lies in one piece, in bytes.</summary>
    public const int MaxPart = 64 * 1024;

    private const int UniqueBytes = sizeof(ulong);

    /// <summary>
    /// The random bytes repeat after the first number of bytes; if the size of a message is a multiple of that, so that all
    /// messages would have the same random bytes, after the second. No size that <c>load</c> takes is a multiple of both.
    /// </summary>
    private static readonly (int Usual, int Other) Periods = (4093, 4111);

    private readonly byte[] _random;
    private readonly int _period;
    private readonly int _uniqueBytes;
    private readonly ulong _seed = (ulong)Random.Shared.NextInt64();

    /// <param name="size">The length of a message in bytes.</param>
    public LoadPayload(int size)
    {
        Size = size;
        _uniqueBytes = Math.Min(UniqueBytes, size);
        _period = size % Periods.Usual != 0 ? Periods.Usual : Periods.Other;
        _random = new byte[_period + MaxPart];
        Random.Shared.NextBytes(_random.AsSpan(0, _period));
        for (var i = _period; i < _random.Length; i++)
        {
            _random[i] = _random[i - _period];
        }
    }

    /// <summary>The length of a message in bytes.</summary>
    public int Size { get; }

    /// <summary>The random bytes: from any place in the period, as many as the longest part has.</summary>
    public ReadOnlySpan<byte> RandomBytes => _random;

    /// <summary>The templates that are not in use, except one for each thread.</summary>
    public ConcurrentBag<LoadTemplate> Spare { get; } = [];

    /// <summary>Writes a part of a message, of any length.</summary>
    /// <param name="part">The buffer to fill.</param>
    /// <param name="message">The number of the connection, and that of the message on it.</param>
    /// <param name="offset">The offset of the part in the message.</param>
    public void Fill(Span<byte> part, (int Connection, long Number) message, int offset)
    {
        for (var done = 0; done < part.Length;)
        {
            var next = part.Slice(done, Math.Min(part.Length - done, MaxPart));
            _random.AsSpan(PlaceOf(message, offset + done), next.Length).CopyTo(next);
            done += next.Length;
        }

        Mark(part, message, offset, random: []);
    }

    /// <summary>Whether received bytes equal that part of the message.</summary>
    public bool Matches(ReadOnlySpan<byte> part, (int Connection, long Number) message, int offset)
    {
        var done = 0;
        if (offset < _uniqueBytes)
        {
            Span<byte> unique = stackalloc byte[UniqueBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(unique, UniqueOf(message));
            done = Math.Min(_uniqueBytes - offset, part.Length);
            if (!part[..done].SequenceEqual(unique.Slice(offset, done)))
            {
                return false;
            }
        }

        while (done < part.Length)
        {
            var next = part.Slice(done, Math.Min(part.Length - done, MaxPart));
            if (!AreSame(next, _random.AsSpan(PlaceOf(message, offset + done), next.Length)))
            {
                return false;
            }

            done += next.Length;
        }

        return true;
    }

    /// <summary>Where a byte of a message lies in the random bytes, so that the bytes that follow it lie behind it.</summary>
    public int PlaceOf((int Connection, long Number) message, int offset)
    {
        // The streams of the connections begin at different places.
        const ulong betweenStreams = 97;
        var position = ((ulong)message.Connection * betweenStreams) + ((ulong)message.Number * (ulong)Size) + (ulong)offset;
        return (int)(position % (ulong)_period);
    }

    /// <summary>
    /// Writes the unique bytes of every message in a part of a connection's stream, or the random bytes in their place.
    /// </summary>
    /// <param name="part">The part of the stream.</param>
    /// <param name="message">The number of the connection, and that of the message with which the part begins.</param>
    /// <param name="offset">The offset of the part in that message.</param>
    /// <param name="random">The random bytes of the part; empty to write the unique ones.</param>
    public void Mark(Span<byte> part, (int Connection, long Number) message, int offset, ReadOnlySpan<byte> random)
    {
        Span<byte> unique = stackalloc byte[UniqueBytes];
        for (var (number, start) = (message.Number, -offset); start < part.Length; number++, start += Size)
        {
            var (from, to) = (Math.Max(start, 0), Math.Min(start + _uniqueBytes, part.Length));
            if (from >= to)
            {
                continue;
            }

            if (random.IsEmpty)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(unique, UniqueOf((message.Connection, number)));
                unique[(from - start)..(to - start)].CopyTo(part[from..]);
            }
            else
            {
                random[from..to].CopyTo(part[from..]);
            }
        }
    }

    /// <summary>
    /// Whether spans of the same length have the same bytes. The C library's comparison takes a third less time than the
    /// framework's, which a native file has compiled for the oldest processors that it runs on.
    /// </summary>
    private static bool AreSame(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other)
    {
        const int worthACall = 256;
        if (one.Length < worthACall || !OperatingSystem.IsLinux())
        {
            return one.SequenceEqual(other);
        }

        fixed (byte* first = one, second = other)
        {
            return Compare(first, second, (nuint)one.Length) == 0;
        }
    }

    /// <summary>memcmp(3). It takes some microseconds at most, so the garbage collector can wait for it.</summary>
    [LibraryImport("libc", EntryPoint = "memcmp")]
    [SuppressGCTransition]
    private static partial int Compare(byte* one, byte* other, nuint length);

    /// <summary>
    /// The unique bytes of a message, as a number. Each connection has its own range of 2^40 numbers; SplitMix64's mixing
    /// spreads them over all eight bytes.
    /// </summary>
    private ulong UniqueOf((int Connection, long Number) message)
    {
        var mixed = _seed + ((((ulong)message.Connection << 40) + (ulong)message.Number) * 0x9E3779B97F4A7C15);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
