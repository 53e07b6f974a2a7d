namespace EchoHost.Metrics;

/// <summary>
/// A counter that many cores can add to without contention: each core has a cell on cache lines of its own, and a read sums the
/// cells. It never decreases while only positive numbers are added.
/// </summary>
internal sealed class StripedCounter
{
    /// <summary>The distance of cells in longs: two cache lines, because processors fetch them in pairs.</summary>
    private const int Stride = 16;

    private static readonly int Mask = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount) - 1;

    private readonly long[] _cells = new long[(Mask + 2) * Stride];

    public void Add(long value) => Interlocked.Add(ref _cells[((Thread.GetCurrentProcessorId() & Mask) + 1) * Stride], value);

    public long Value
    {
        get
        {
            long sum = 0;
            for (var i = Stride; i < _cells.Length; i += Stride)
            {
                sum += Volatile.Read(ref _cells[i]);
            }

            return sum;
        }
    }
}
