using System.Globalization;

namespace EchoHost.Systemd;

/// <summary>What systemd asks of a service with <c>WatchdogSec=</c>: sd_watchdog_enabled(3).</summary>
internal static class Watchdog
{
    private const string TimeVariable = "WATCHDOG_USEC";
    private const string ProcessVariable = "WATCHDOG_PID";

    /// <summary>
    /// How often to report to the watchdog: half of the time after which it would act. Null where there is none, or where it
    /// watches another process, from which this one inherited the variables.
    /// </summary>
    /// <param name="variable">Reads an environment variable.</param>
    public static TimeSpan? Interval(Func<string, string?> variable)
    {
        var isOther = variable(ProcessVariable) is { Length: > 0 } process
            && process != Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return !isOther
            && long.TryParse(variable(TimeVariable), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds)
            && microseconds is > 1 and < long.MaxValue / TimeSpan.TicksPerMicrosecond
            ? TimeSpan.FromMicroseconds(microseconds) / 2
            : null;
    }
}
