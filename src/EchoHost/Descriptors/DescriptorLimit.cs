using System.Globalization;

namespace EchoHost.Descriptors;

/// <summary>
/// The maximum number of open file descriptors of this process: on Linux the soft limit of <c>RLIMIT_NOFILE</c>
/// (getrlimit(2)).
/// </summary>
internal static class DescriptorLimit
{
    private const string Label = "Max open files";

    /// <summary>The limit; null if the system has none that can be read.</summary>
    public static int? Read()
    {
        try
        {
            return Parse(File.ReadLines("/proc/self/limits"));
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Parses the lines of <c>/proc/self/limits</c> (proc(5)).</summary>
    public static int? Parse(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            if (line.StartsWith(Label, StringComparison.Ordinal))
            {
                var soft = line[Label.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
                return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? (int)Math.Min(limit, int.MaxValue) : null;
            }
        }

        return null;
    }
}
