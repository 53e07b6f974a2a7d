using System.Buffers;

namespace EchoHost.Tests.Infrastructure;

/// <summary>An endless run of bytes of which each follows from the seed and its position, so that it can be compared wherever it comes.</summary>
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
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = At(at + i);
        }
    }

    /// <summary>Compares every byte with those from position <paramref name="at"/> on.</summary>
    public void AssertSame(ReadOnlySpan<byte> actual, long at)
    {
        for (var i = 0; i < actual.Length; i++)
        {
            if (actual[i] != At(at + i))
            {
                Assert.Fail($"seed {Seed}: byte {at + i} is {actual[i]}, not {At(at + i)}");
            }
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

    /// <summary>The mixing step of SplitMix64.</summary>
    private byte At(long position)
    {
        var mixed = Seed + ((ulong)position * 0x9E3779B97F4A7C15);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return (byte)(mixed >> 56);
    }
}
