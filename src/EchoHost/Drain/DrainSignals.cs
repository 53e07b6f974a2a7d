using System.Globalization;
using System.Runtime.InteropServices;

namespace EchoHost.Drain;

/// <summary>Which signals start the drain.</summary>
internal static class DrainSignals
{
    /// <summary>SIGTERM, SIGINT, and SIGHUP unless the program was started to outlive its terminal, as nohup(1) does it.</summary>
    public static IReadOnlyList<PosixSignal> All { get; } =
        IsHangUpIgnored() ? [PosixSignal.SIGTERM, PosixSignal.SIGINT] : [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP];

    /// <summary>The signals that are ignored stand in /proc/self/status as a mask, SIGHUP in its lowest bit (proc(5)).</summary>
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
