using System.Buffers;
using System.Buffers.Binary;

namespace EchoHost.Tests.Infrastructure;

/// <summary>
/// An endless sequence of bytes, each derived from the seed and its position, so that any part can be compared.
/// </summary>
internal readonly record struct SeededBytes(ulong Seed)
{
    public byte[] Take(int count, long at = 0)
    {
        var bytes = new byte[count];
        Fill(bytes, at);
        return bytes;
    }

    public void Fill(Span<byte> bytes, long at)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        while (!bytes.IsEmpty)
        {
            var skipped = (int)(at % sizeof(ulong));
            BinaryPrimitives.WriteUInt64LittleEndian(word, Word(at / sizeof(ulong)));
            var count = Math.Min(word.Length - skipped, bytes.Length);
            word.Slice(skipped, count).CopyTo(bytes);
            bytes = bytes[count..];
            at += count;
        }
    }

    /// <summary>Compares every byte with those from position <paramref name="at"/> on.</summary>
    public void AssertSame(ReadOnlySpan<byte> actual, long at)
    {
        Span<byte> expected = stackalloc byte[1024];
        while (!actual.IsEmpty)
        {
            var count = Math.Min(expected.Length, actual.Length);
            Fill(expected[..count], at);
            var same = actual.CommonPrefixLength(expected[..count]);
            if (same < count)
            {
                Assert.Fail($"seed {Seed}: byte {at + same} is {actual[same]}, not {expected[same]}");
            }

            actual = actual[count..];
            at += count;
        }
    }

    public void AssertSame(in ReadOnlySequence<byte> actual, long at)
    {
        foreach (var segment in actual)
        {
            AssertSame(segment.Span, at);
            at += segment.Length;
        }
    }

    /// <summary>Generates eight bytes with the mixing step of SplitMix64.</summary>
    private ulong Word(long position)
    {
        var mixed = Seed + ((ulong)position * 0x9E3779B97F4A7C15);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
