namespace EchoHost.Commands;

/// <summary>The totals of the messages.</summary>
internal sealed class SendTally
{
    private double _sum;
    private double _sumOfSquares;

    /// <summary>The number of messages sent or failed.</summary>
    public int Messages { get; private set; }

    /// <summary>The number of messages that came back unchanged.</summary>
    public int Same { get; private set; }

    public TimeSpan Min { get; private set; } = TimeSpan.MaxValue;

    public TimeSpan Max { get; private set; }

    /// <summary>The mean round trip, in milliseconds.</summary>
    public double Mean => _sum / Same;

    /// <summary>The standard deviation, in milliseconds.</summary>
    public double Deviation => Math.Sqrt(Math.Max(0, (_sumOfSquares / Same) - (Mean * Mean)));

    public void Add(TimeSpan roundTrip)
    {
        Messages++;
        Same++;
        _sum += roundTrip.TotalMilliseconds;
        _sumOfSquares += roundTrip.TotalMilliseconds * roundTrip.TotalMilliseconds;
        Min = roundTrip < Min ? roundTrip : Min;
        Max = roundTrip > Max ? roundTrip : Max;
    }

    public void AddLost() => Messages++;
}
