using EchoHost.Configuration;

namespace EchoHost.Commands;

/// <summary>The standard input of commands.</summary>
internal static class StandardInput
{
    /// <summary>O_CLOEXEC of open(2), on Linux for x64 and arm64.</summary>
    private const int CloseOnExecute = 0x80000;

    /// <summary>Opens standard input.</summary>
    /// <exception cref="ConfigurationException">Standard input is closed.</exception>
    public static Stream Open() => IsClosed()
        ? throw new ConfigurationException("standard input is closed; give TEXT, --bytes or something to read")
        : Console.OpenStandardInput();

    /// <summary>
    /// Whether the process was started without standard input. Its number then belongs to the first file that the runtime
    /// opens, such as a pipe or /dev/urandom. The runtime opens every file with O_CLOEXEC; an inherited descriptor can't
    /// have that flag (proc(5), fdinfo).
    /// </summary>
    private static bool IsClosed()
    {
        const string flags = "flags:";
        try
        {
            return OperatingSystem.IsLinux()
                && File.ReadLines("/proc/self/fdinfo/0").FirstOrDefault(line => line.StartsWith(flags, StringComparison.Ordinal)) is { } line
                && (Convert.ToInt32(line[flags.Length..].Trim(), 8) & CloseOnExecute) != 0;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
