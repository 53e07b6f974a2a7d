namespace EchoHost.Peers.Mesh;

/// <summary>The last round trips of a peer, enough for a p99.9. The memory grows with their number.</summary>
internal sealed class RecentRoundTrips
{
    /// <summary>The maximum number of round trips to keep.</summary>
    public const int Capacity = 1024;

    private float[] _milliseconds = new float[16];
    private long _count;

    /// <summary>Adds a round trip; it replaces the oldest if there is no room.</summary>
    public void Add(TimeSpan roundTrip)
    {
        if (_count == _milliseconds.Length && _count < Capacity)
        {
            Array.Resize(ref _milliseconds, _milliseconds.Length * 2);
        }

        _milliseconds[_count++ % _milliseconds.Length] = (float)roundTrip.TotalMilliseconds;
    }

    /// <summary>The last round trip, and percentiles (nearest rank).</summary>
    public RoundTripSummary Summarize()
    {
        if (_count == 0)
        {
            return new RoundTripSummary(null, null, null, null, null);
        }

        var sorted = _milliseconds.AsSpan(0, (int)Math.Min(_count, _milliseconds.Length)).ToArray();
        Array.Sort(sorted);
        double Percentile(double percent) => Round(sorted[(int)Math.Ceiling(sorted.Length * percent / 100) - 1]);
        var last = _milliseconds[(_count - 1) % _milliseconds.Length];
        return new RoundTripSummary(Round(last), Percentile(50), Percentile(90), Percentile(99), Percentile(99.9));
    }

    private static double Round(float value) => Math.Round(value, 3);
}
