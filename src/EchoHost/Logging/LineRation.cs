namespace EchoHost.Logging;

/// <summary>Limits the lines of one kind per second; while lines are left out, reports their number once a second.</summary>
internal sealed class LineRation : IDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Action<int> _tell;
    private readonly ITimer _windowEnd;
    private readonly int _limit;
    private long _windowStart;
    private int _passed;
    private int _leftOut;

    /// <param name="limit">The maximum number of lines per second; 0 allows none.</param>
    /// <param name="time">The clock.</param>
    /// <param name="tell">Called at the end of each second in which lines were left out, with their number.</param>
    public LineRation(int limit, TimeProvider time, Action<int> tell)
    {
        _limit = limit;
        _time = time;
        _tell = tell;
        _windowStart = time.GetTimestamp();
        _windowEnd = time.CreateTimer(_ => EndWindow(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Whether one more line may be written; if not, counts it as left out. Call it only for a line that would be written.
    /// </summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            if (_leftOut == 0 && _time.GetElapsedTime(_windowStart, now) >= Window)
            {
                (_windowStart, _passed) = (now, 0);
            }

            if (_passed < _limit)
            {
                _passed++;
                return true;
            }

            if (_leftOut++ == 0)
            {
                // The timer reports the count even if no further line comes.
                var left = Window - _time.GetElapsedTime(_windowStart, now);
                _windowEnd.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            }

            return false;
        }
    }

    /// <summary>Reports lines that were left out since the last report.</summary>
    public void Dispose()
    {
        _windowEnd.Dispose();
        EndWindow();
    }

    private void EndWindow()
    {
        int leftOut;
        lock (_lock)
        {
            leftOut = _leftOut;
            _windowStart = _time.GetTimestamp();
            _passed = 0;
            _leftOut = 0;
        }

        if (leftOut > 0)
        {
            _tell(leftOut);
        }
    }
}
