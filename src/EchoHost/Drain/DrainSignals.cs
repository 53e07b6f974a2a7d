using System.Globalization;
using System.Runtime.InteropServices;

namespace EchoHost.Drain;

/// <summary>The signals that start the drain.</summary>
internal static class DrainSignals
{
    /// <summary>SIGTERM and SIGINT; also SIGHUP, unless the process was started with it ignored, as by nohup(1).</summary>
    public static IReadOnlyList<PosixSignal> All { get; } =
        IsHangUpIgnored() ? [PosixSignal.SIGTERM, PosixSignal.SIGINT] : [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP];

    /// <summary>Reads the mask of ignored signals from /proc/self/status; SIGHUP is its lowest bit (proc(5)).</summary>
    private static bool IsHangUpIgnored()
    {
        const string mask = "SigIgn:";
        try
        {
            return OperatingSystem.IsLinux()
                && File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(mask, StringComparison.Ordinal)) is { } line
                && ulong.Parse(line.AsSpan(mask.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) % 2 == 1;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
