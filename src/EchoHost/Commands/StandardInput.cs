using EchoHost.Configuration;

namespace EchoHost.Commands;

/// <summary>What commands read.</summary>
internal static class StandardInput
{
    private const string Descriptors = "/proc/self/fd";

    /// <summary>Opens it.</summary>
    /// <exception cref="ConfigurationException">It is closed.</exception>
    public static Stream Open() => IsClosed() ? throw new ConfigurationException("standard input is closed; give TEXT, --bytes or something to read") : Console.OpenStandardInput();

    /// <summary>
    /// A process that is started without standard input gives its number to whatever is opened first, which is a pipe of
    /// the runtime's: both ends are this process's own, and reading would wait for ever.
    /// </summary>
    private static bool IsClosed()
    {
        return OperatingSystem.IsLinux()
            && LinkOf($"{Descriptors}/0") is { } input
            && input.StartsWith("pipe:", StringComparison.Ordinal)
            && Directory.EnumerateFileSystemEntries(Descriptors).Any(path => LinkOf(path) == input && IsForWriting(Path.GetFileName(path)));
    }

    /// <summary>The flags that it was opened with (proc(5), open(2)), in octal; their lowest two bits are the access mode.</summary>
    private static bool IsForWriting(string descriptor)
    {
        const string flags = "flags:";
        const char writeOnly = '1';
        try
        {
            return File.ReadLines($"/proc/self/fdinfo/{descriptor}").Any(line => line.StartsWith(flags, StringComparison.Ordinal) && line[^1] == writeOnly);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static string? LinkOf(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
