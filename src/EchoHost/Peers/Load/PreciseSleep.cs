using System.Diagnostics;
using EchoHost.Transport.Epoll;

namespace EchoHost.Peers.Load;

/// <summary>Sleeps to within some microseconds, where the framework's own sleeps are to within a millisecond or more.</summary>
internal static unsafe class PreciseSleep
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>No longer at once, so that being told to stop is heard.</summary>
    private static readonly long Most = Stopwatch.Frequency / 10;

    /// <summary>Has the kernel wake this thread without the leeway that it takes by default (PR_SET_TIMERSLACK, prctl(2)).</summary>
    public static void Prepare()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Linux.ControlProcess(Linux.SetTimerSlack, 1, 0, 0, 0);
        }
    }

    /// <summary>Returns at a <see cref="Stopwatch"/> timestamp, or a tenth of a second from now where that is earlier.</summary>
    /// <returns>Whether the time has come.</returns>
    public static bool Until(long due)
    {
        var now = Stopwatch.GetTimestamp();
        if (due <= now)
        {
            return true;
        }

        var wake = Math.Min(due, now + Most);
        if (OperatingSystem.IsLinux())
        {
            // The clock that Stopwatch reads too, in nanoseconds.
            var time = stackalloc long[] { wake / NanosecondsPerSecond, wake % NanosecondsPerSecond };
            _ = Linux.Sleep(Linux.MonotonicClock, Linux.AbsoluteTime, time, null);
        }
        else
        {
            Thread.Sleep(Stopwatch.GetElapsedTime(now, wake));
        }

        return Stopwatch.GetTimestamp() >= due;
    }
}
