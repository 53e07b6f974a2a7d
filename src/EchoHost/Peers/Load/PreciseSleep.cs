using System.Diagnostics;
using System.Runtime.InteropServices;

namespace EchoHost.Peers.Load;

/// <summary>Sleeps with a precision of some microseconds; the framework's sleeps have one of a millisecond or more.</summary>
internal static unsafe partial class PreciseSleep
{
    // <time.h>, <sys/prctl.h>: the same on x86-64 and arm64.
    private const int MonotonicClock = 1;
    private const int AbsoluteTime = 1;
    private const int SetTimerSlack = 29;

    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>The longest sleep, in ticks of <see cref="Stopwatch"/>, so that the caller sees a cancellation soon.</summary>
    private static readonly long MaxSleep = Stopwatch.Frequency / 10;

    /// <summary>Sets the timer slack of this thread to 1 ns; the default is 50 µs (PR_SET_TIMERSLACK, prctl(2)).</summary>
    public static void Prepare()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = ControlProcess(SetTimerSlack, 1, 0, 0, 0);
        }
    }

    /// <summary>Sleeps until a <see cref="Stopwatch"/> timestamp, but for at most a tenth of a second.</summary>
    /// <returns>Whether the timestamp has passed.</returns>
    public static bool Until(long due)
    {
        var now = Stopwatch.GetTimestamp();
        if (due <= now)
        {
            return true;
        }

        var wake = Math.Min(due, now + MaxSleep);
        if (OperatingSystem.IsLinux())
        {
            // Stopwatch reads the same clock, in nanoseconds.
            var time = stackalloc long[] { wake / NanosecondsPerSecond, wake % NanosecondsPerSecond };
            _ = Sleep(MonotonicClock, AbsoluteTime, time, null);
        }
        else
        {
            Thread.Sleep(Stopwatch.GetElapsedTime(now, wake));
        }

        return Stopwatch.GetTimestamp() >= due;
    }

    /// <summary>clock_nanosleep(2); a <c>struct timespec</c> is two longs.</summary>
    [LibraryImport("libc", EntryPoint = "clock_nanosleep")]
    private static partial int Sleep(int clock, int flags, long* time, long* left);

    /// <summary>prctl(2).</summary>
    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ControlProcess(int option, nuint value, nuint unused3, nuint unused4, nuint unused5);
}
