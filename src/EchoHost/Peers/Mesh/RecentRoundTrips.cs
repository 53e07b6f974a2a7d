namespace EchoHost.Peers.Mesh;

/// <summary>A peer's last round trips, as many as a p99.9 needs; holds memory for those alone that there were.</summary>
internal sealed class RecentRoundTrips
{
    /// <summary>How many are kept.</summary>
    public const int Capacity = 1024;

    private float[] _milliseconds = new float[16];
    private long _count;

    /// <summary>Adds one, in the place of the oldest where there is no room.</summary>
    public void Add(TimeSpan roundTrip)
    {
        if (_count == _milliseconds.Length && _count < Capacity)
        {
            Array.Resize(ref _milliseconds, _milliseconds.Length * 2);
        }

        _milliseconds[_count++ % _milliseconds.Length] = (float)roundTrip.TotalMilliseconds;
    }

    /// <summary>The last one and some percentiles (nearest rank).</summary>
    public RoundTripSummary Summarize()
    {
        if (_count == 0)
        {
            return new RoundTripSummary(null, null, null, null, null);
        }

        var sorted = _milliseconds.AsSpan(0, (int)Math.Min(_count, _milliseconds.Length)).ToArray();
        Array.Sort(sorted);
        double Percentile(double percent) => Round(sorted[(int)Math.Ceiling(sorted.Length * percent / 100) - 1]);
        return new RoundTripSummary(Round(_milliseconds[(_count - 1) % _milliseconds.Length]), Percentile(50), Percentile(90), Percentile(99), Percentile(99.9));
    }

    private static double Round(float value) => Math.Round(value, 3);
}
