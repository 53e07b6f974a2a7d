namespace EchoHost.Peers.Who;

/// <summary>The median and the 99th percentile of some times (nearest rank).</summary>
internal readonly record struct Percentiles(TimeSpan P50, TimeSpan P99)
{
    /// <param name="times">At least one time, in any order.</param>
    public static Percentiles Of(IEnumerable<TimeSpan> times)
    {
        TimeSpan[] sorted = [.. times.Order()];
        return new Percentiles(At(sorted, 0.50), At(sorted, 0.99));
    }

    private static TimeSpan At(TimeSpan[] sorted, double share) => sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * share) - 1)];
}
