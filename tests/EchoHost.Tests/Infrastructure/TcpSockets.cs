namespace EchoHost.Tests.Infrastructure;

/// <summary>The TCP sockets over IPv4 of the whole machine, as the kernel lists them (proc_net_tcp, in its documentation).</summary>
internal static class TcpSockets
{
    public const string FinWait1 = "04";
    public const string FinWait2 = "05";
    public const string Listening = "0A";

    /// <summary>Skips the test where there is no list.</summary>
    public static IEnumerable<Row> All()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc/net/tcp");
        return File.ReadLines("/proc/self/net/tcp").Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(fields => new Row(fields[1], fields[2], fields[3], fields[9]));
    }

    /// <param name="Local">The address and the port, in hexadecimal digits: <c>0100007F:15B3</c>.</param>
    /// <param name="Remote">The same of the other end.</param>
    /// <param name="State">Such as <see cref="Listening"/>.</param>
    /// <param name="Inode"><c>0</c> where it belongs to the kernel alone: closed, with bytes that are still to be sent.</param>
    public readonly record struct Row(string Local, string Remote, string State, string Inode)
    {
        public bool IsTo(int port) => Remote.EndsWith($":{port:X4}", StringComparison.Ordinal);
    }
}
