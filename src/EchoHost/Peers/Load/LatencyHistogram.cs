using System.Numerics;

namespace EchoHost.Peers.Load;

/// <summary>
/// Counts times in buckets. Their width grows with the time: no bucket is wider than 1/128 of its time, so percentiles are
/// accurate to 0.8 %. Many threads can record times at once.
/// </summary>
internal sealed class LatencyHistogram
{
    /// <summary>The number of buckets in each power of two, as an exponent of two.</summary>
    private const int PrecisionBits = 7;
    private const int Precision = 1 << PrecisionBits;

    private readonly long[] _counts = new long[(64 - PrecisionBits) * Precision];
    private long _sum;
    private long _min = long.MaxValue;
    private long _max;

    /// <summary>The number of times recorded.</summary>
    public long Count
    {
        get
        {
            long count = 0;
            foreach (ref var bucket in _counts.AsSpan())
            {
                count += Volatile.Read(ref bucket);
            }

            return count;
        }
    }

    /// <summary>The shortest time, in microseconds; 0 if there is none.</summary>
    public double Min => Volatile.Read(ref _min) is var least && least == long.MaxValue ? 0 : least / 1000.0;

    /// <summary>The longest time, in microseconds; 0 if there is none.</summary>
    public double Max => Volatile.Read(ref _max) / 1000.0;

    /// <summary>The mean time, in microseconds; 0 if there is none.</summary>
    public double Mean => Count is > 0 and var count ? Volatile.Read(ref _sum) / 1000.0 / count : 0;

    /// <summary>Records a time.</summary>
    public void Record(TimeSpan time) => Record(time.Ticks * TimeSpan.NanosecondsPerTick);

    /// <summary>Records a time in nanoseconds.</summary>
    public void Record(long nanoseconds)
    {
        nanoseconds = Math.Max(nanoseconds, 0);
        Interlocked.Increment(ref _counts[IndexOf(nanoseconds)]);
        Interlocked.Add(ref _sum, nanoseconds);
        Extend(ref _min, nanoseconds, isLower: true);
        Extend(ref _max, nanoseconds, isLower: false);
    }

    /// <summary>A percentile of the times (nearest rank), in microseconds; 0 if there is none.</summary>
    /// <param name="percent">0 to 100.</param>
    public double Percentile(double percent)
    {
        var wanted = Math.Max(1, (long)Math.Ceiling(Count * percent / 100));
        long seen = 0;
        for (var i = 0; i < _counts.Length; i++)
        {
            seen += Volatile.Read(ref _counts[i]);
            if (seen >= wanted)
            {
                // The end of a bucket can lie beyond the longest time in it.
                return Math.Clamp(UpperEnd(i) / 1000.0, Min, Max);
            }
        }

        return Max;
    }

    /// <summary>The number of times between two bounds in microseconds, to the precision of the buckets.</summary>
    /// <param name="above">The lower bound, exclusive.</param>
    /// <param name="upTo">The upper bound, inclusive.</param>
    public long CountBetween(double above, double upTo)
    {
        long count = 0;
        for (var i = 0; i < _counts.Length; i++)
        {
            var end = Math.Min(UpperEnd(i) / 1000.0, Max);
            if (end > above && end <= upTo)
            {
                count += Volatile.Read(ref _counts[i]);
            }
        }

        return count;
    }

    private static void Extend(ref long bound, long value, bool isLower)
    {
        for (var before = Volatile.Read(ref bound); isLower ? value < before : value > before;)
        {
            var seen = Interlocked.CompareExchange(ref bound, value, before);
            if (seen == before)
            {
                return;
            }

            before = seen;
        }
    }

    /// <summary>The bucket of a time: one for each nanosecond below 128 ns, then 128 for each power of two.</summary>
    private static int IndexOf(long nanoseconds)
    {
        if (nanoseconds < Precision)
        {
            return (int)nanoseconds;
        }

        var shift = BitOperations.Log2((ulong)nanoseconds) - PrecisionBits;
        return ((shift + 1) * Precision) + (int)((nanoseconds >> shift) & (Precision - 1));
    }

    /// <summary>The longest time of a bucket, in nanoseconds.</summary>
    private static double UpperEnd(int index)
    {
        if (index < Precision)
        {
            return index;
        }

        var shift = (index / Precision) - 1;
        return (double)(((UInt128)(Precision + (index % Precision)) << shift) + (((UInt128)1 << shift) - 1));
    }
}
