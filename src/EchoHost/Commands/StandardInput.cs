using EchoHost.Configuration;

namespace EchoHost.Commands;

/// <summary>What commands read.</summary>
internal static class StandardInput
{
    /// <summary>open(2): the descriptor does not outlast execve(2). The value is that of Linux on x64 and arm64.</summary>
    private const int CloseOnExecute = 0x80000;

    /// <summary>Opens it.</summary>
    /// <exception cref="ConfigurationException">It is closed.</exception>
    public static Stream Open() => IsClosed()
        ? throw new ConfigurationException("standard input is closed; give TEXT, --bytes or something to read")
        : Console.OpenStandardInput();

    /// <summary>
    /// A process that is started without standard input gives its number to the first file that the runtime opens, such as a
    /// pipe or /dev/urandom. What is inherited can't be closed by execve(2); what the runtime opens always is (proc(5), fdinfo).
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
