namespace EchoHost.Logging;

/// <summary>Lets lines of one kind pass, up to so many a second; past that, once a second, it tells how many were left out.</summary>
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

    /// <param name="limit">How many lines may pass in a second; 0 lets none.</param>
    /// <param name="time">The clock.</param>
    /// <param name="tell">Called with how many were left out, at the end of each second that left out any.</param>
    public LineRation(int limit, TimeProvider time, Action<int> tell)
    {
        _limit = limit;
        _time = time;
        _tell = tell;
        _windowStart = time.GetTimestamp();
        _windowEnd = time.CreateTimer(_ => EndWindow(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether one more line may be written; where not, it is counted. Asked only for lines that would be written.</summary>
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
                // The line that counts them must come also when no further one does.
                var left = Window - _time.GetElapsedTime(_windowStart, now);
                _windowEnd.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            }

            return false;
        }
    }

    /// <summary>Tells what is still to be told.</summary>
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
            (_windowStart, _passed, _leftOut) = (_time.GetTimestamp(), 0, 0);
        }

        if (leftOut > 0)
        {
            _tell(leftOut);
        }
    }
}
