namespace EchoHost.Peers.Mesh;

/// <summary>
/// The last probes of a peer, in columns of a few probes each: their median, spread and loss. The page draws them as SmokePing
/// does. Not safe for several threads.
/// </summary>
internal sealed class ProbeStrip
{
    /// <summary>The number of successive probes in a column.</summary>
    public const int ColumnProbes = 5;

    /// <summary>The number of columns kept.</summary>
    public const int MaxColumns = 48;

    private readonly List<Column> _columns = [];

    /// <summary>The round trips in the last column, in milliseconds and in order.</summary>
    private readonly List<float> _last = new(ColumnProbes);

    /// <summary>The number of probes so far.</summary>
    public long Probes { get; private set; }

    private long NextColumn => (Probes + ColumnProbes - 1) / ColumnProbes;

    /// <summary>Adds a probe.</summary>
    /// <param name="roundTrip">Its round trip; null if it was lost.</param>
    public void Add(TimeSpan? roundTrip)
    {
        if (Probes % ColumnProbes == 0)
        {
            _last.Clear();
            _columns.Add(default);
            if (_columns.Count > MaxColumns)
            {
                _columns.RemoveAt(0);
            }
        }

        Probes++;
        if (roundTrip is { } time)
        {
            var milliseconds = (float)time.TotalMilliseconds;
            var place = _last.BinarySearch(milliseconds);
            _last.Insert(place < 0 ? ~place : place, milliseconds);
        }

        var probes = (int)((Probes - 1) % ColumnProbes) + 1;
        _columns[^1] = new Column(Median(), _last.FirstOrDefault(), _last.LastOrDefault(), probes - _last.Count, probes);
    }

    /// <summary>The columns that changed since there were <paramref name="seen"/> probes.</summary>
    public StripDescription DescribeSince(long seen)
    {
        var oldest = NextColumn - _columns.Count;
        var first = Math.Clamp(seen / ColumnProbes, oldest, NextColumn);
        return new StripDescription(first, [.. _columns.Skip((int)(first - oldest)).Select(column => column.Describe())]);
    }

    private float Median() => _last.Count == 0 ? 0 : (_last[(_last.Count - 1) / 2] + _last[_last.Count / 2]) / 2;

    private readonly record struct Column(float Median, float Min, float Max, int Lost, int Probes)
    {
        public double?[] Describe() => Lost == Probes
            ? [null, null, null, Lost, Probes]
            : [Round(Median), Round(Min), Round(Max), Lost, Probes];

        private static double Round(float milliseconds) => Math.Round(milliseconds, 3);
    }
}
