using EchoHost.Peers;

namespace EchoHost.Commands;

/// <summary>The totals of the messages.</summary>
internal sealed class SendTally
{
    private readonly Phase _resolve = new("resolve");
    private readonly Phase _connect = new("connect");
    private readonly Phase _proxy = new("PROXY");
    private readonly Phase _tls = new("TLS");
    private readonly Phase _firstAnswer = new("first answer");
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

    /// <summary>The mean of each phase that took place, in milliseconds, in the order of a connection.</summary>
    public IEnumerable<(string Name, double Mean)> Phases => new[] { _resolve, _connect, _proxy, _tls, _firstAnswer }
        .Where(phase => phase.Count > 0)
        .Select(phase => (phase.Name, phase.Mean));

    /// <summary>Counts the phases of a new connection.</summary>
    public void Add(PhaseTimes phases)
    {
        _resolve.Add(phases.Resolve);
        _connect.Add(phases.Connect);
        _proxy.Add(phases.Proxy);
        _tls.Add(phases.Tls);
    }

    /// <summary>Counts a message that came back.</summary>
    public void Add(EchoTimes times)
    {
        var roundTrip = times.RoundTrip;
        _firstAnswer.Add(times.FirstAnswer);
        Messages++;
        Same++;
        _sum += roundTrip.TotalMilliseconds;
        _sumOfSquares += roundTrip.TotalMilliseconds * roundTrip.TotalMilliseconds;
        Min = roundTrip < Min ? roundTrip : Min;
        Max = roundTrip > Max ? roundTrip : Max;
    }

    public void AddLost() => Messages++;

    /// <summary>The times of one phase.</summary>
    private sealed class Phase(string name)
    {
        private double _sum;

        public string Name => name;

        public int Count { get; private set; }

        public double Mean => _sum / Count;

        public void Add(TimeSpan? time)
        {
            if (time is { } took)
            {
                Count++;
                _sum += took.TotalMilliseconds;
            }
        }
    }
}
