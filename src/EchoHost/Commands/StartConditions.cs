using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EchoHost.Descriptors;

namespace EchoHost.Commands;

/// <summary>
/// Checks the conditions for starting, before further assemblies are loaded: with too low a limit of file descriptors,
/// loading would fail halfway. So this code uses only the core of the framework.
/// </summary>
internal static unsafe partial class StartConditions
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    /// <summary>RLIMIT_NOFILE on Linux, except on some architectures that .NET does not support.</summary>
    private const int LimitOfDescriptors = 7;

    // fcntl(2).
    private const int GetStatusFlags = 3;
    private const int AccessMode = 3;
    private const int ReadOnly = 0;

    /// <summary>Checks the conditions, and prints one line for one that does not hold.</summary>
    /// <param name="isHost">Whether a host will run, rather than a command.</param>
    /// <returns>The exit code; <see cref="ExitCode.Done"/> if all conditions hold.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int Check(bool isHost)
    {
        if (!OperatingSystem.IsLinux())
        {
            return ExitCode.Done;
        }

        var needed = (ulong)(isHost ? DescriptorNeeds.MinForHost : DescriptorNeeds.MinForCommand);
        ResourceLimit limit;
        if (GetLimit(LimitOfDescriptors, &limit) == 0 && limit.Soft < needed)
        {
            Write("EchoHost: the limit of "u8);
            Write(limit.Soft);
            Write(" file descriptors is too low to start; raise it (ulimit -n) to "u8);
            Write(needed);
            Write(" or more\n"u8);
            return ExitCode.WrongUsage;
        }

        // Closed; or closed and then reused for a file that the runtime reads.
        var flags = GetFlags(StandardOutput, GetStatusFlags);
        if (flags < 0 || (flags & AccessMode) == ReadOnly)
        {
            Write("EchoHost: standard output can't be written: Bad file descriptor\n"u8);
            return ExitCode.Failed;
        }

        return ExitCode.Done;
    }

    private static void Write(ReadOnlySpan<byte> text)
    {
        fixed (byte* start = text)
        {
            // If standard error can't be written either, only the exit code is left.
            _ = Write(StandardError, start, (nuint)text.Length);
        }
    }

    private static void Write(ulong number)
    {
        const int maxDigits = 20;
        var digits = stackalloc byte[maxDigits];
        var at = maxDigits;
        do
        {
            digits[--at] = (byte)('0' + (number % 10));
            number /= 10;
        }
        while (number > 0);
        _ = Write(StandardError, digits + at, (nuint)(maxDigits - at));
    }

    private struct ResourceLimit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, ResourceLimit* limit);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int GetFlags(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(int descriptor, byte* bytes, nuint count);
}
