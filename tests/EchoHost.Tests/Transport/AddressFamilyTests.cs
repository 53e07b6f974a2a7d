using System.Diagnostics;
using System.Globalization;
using System.Net;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Transport;

/// <summary>
/// A kernel without an address family, for example booted with <c>ipv6.disable=1</c>: a filter (seccomp(2)) makes socket(2)
/// fail with EAFNOSUPPORT for that family, in the program only.
/// </summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public class AddressFamilyTests
{
    private const string Filter = """
        import ctypes, os, platform, struct, sys
        family, call = int(sys.argv[1]), {'x86_64': 41, 'aarch64': 198}[platform.machine()]
        def op(code, jt, jf, k): return struct.pack('HBBI', code, jt, jf, k)
        code = b''.join([
            op(0x20, 0, 0, 0), op(0x15, 0, 3, call),        # nr == socket
            op(0x20, 0, 0, 16), op(0x15, 0, 1, family),     # args[0] == family
            op(0x06, 0, 0, 0x00050000 | 97),                # EAFNOSUPPORT
            op(0x06, 0, 0, 0x7fff0000)])
        instructions = ctypes.create_string_buffer(code, len(code))
        class Program(ctypes.Structure): _fields_ = [('length', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
        program = Program(len(code) // 8, ctypes.addressof(instructions))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program)): sys.exit(99)
        os.execv(sys.argv[2], sys.argv[2:])
        """;

    private const int V4 = 2;
    private const int V6 = 10;

    /// <summary>Where the interpreter is, rather than a script that looks for it at each start.</summary>
    private static readonly Lazy<Task<string>> Python = new(async () =>
    {
        string[] question = ["-c", "import sys; print(sys.executable)"];
        using var asked = Process.Start(new ProcessStartInfo(Tool.Need("python3"), question) { RedirectStandardOutput = true })!;
        return (await asked.StandardOutput.ReadToEndAsync().WaitAsync(Wait.Limit)).Trim();
    });

    public AddressFamilyTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "needs seccomp");

    [Theory]
    [InlineData(V6, "http://localhost:{0}", "tcp://*:0")]
    [InlineData(V6, "http://*:{0}", "tcp://localhost:0")]
    [InlineData(V4, "http://localhost:{0}", "tcp://*:0")]
    [InlineData(V4, "http://*:{0}", "tcp://localhost:0")]
    [InlineData(V4, "http://localhost:0", "tcp://localhost:0")]
    public async Task Without_one_family_the_host_is_ready_on_the_other(int missing, string urls, string tcp)
    {
        Assert.SkipUnless(missing == V6 || EchoHost.Transport.Loopback.HasIPv6, "no IPv6 here");
        var present = missing == V6 ? IPAddress.Loopback : IPAddress.IPv6Loopback;
        using var http = new HeldPort(present.ToString());
        urls = string.Format(CultureInfo.InvariantCulture, urls, http.Port);
        using var host = await StartAsync(missing, [$"--urls={urls}", $"--Echo:Endpoints:Tcp:Url={tcp}"], []);
        try
        {
            var lines = new List<string>();
            while (await host.StandardOutput.ReadLineAsync().WaitAsync(Wait.Limit) is { } line)
            {
                lines.Add(line);
                if (line.Contains("are let in", StringComparison.Ordinal))
                {
                    break;
                }
            }

            Assert.True(lines.Count > 1, await ErrorsAsync(host));
            var port = int.Parse(
                lines.First(l => l.Contains("connections on port ", StringComparison.Ordinal)).Split("on port ")[1],
                CultureInfo.InvariantCulture);
            using var client = await EchoClient.ConnectAsync(new IPEndPoint(present, port));
            await client.EchoAsync("hello");

            // Check with the command, which uses its own configuration, both without the family and with it.
            var served = lines.First(l => l.Contains("are served on ", StringComparison.Ordinal)).Split("are served on ")[1];
            foreach (var filtered in new int?[] { missing, null })
            {
                await Wait.UntilAsync(async () => await IsHealthyAsync(filtered, served), "the host is ready, for the command too");
            }
        }
        finally
        {
            host.Kill();
            await host.WaitForExitAsync().WaitAsync(Wait.Limit);
        }
    }

    private static async Task<bool> IsHealthyAsync(int? missing, string urls)
    {
        using var health = await StartAsync(missing, ["health"], [("ASPNETCORE_URLS", urls)]);
        await health.WaitForExitAsync().WaitAsync(Wait.Limit);
        // On a machine with every core busy, a host that has just started may take longer than the command waits, or than its check may.
        var errors = await ErrorsAsync(health);
        var isSlow = errors.Contains("no answer within", StringComparison.Ordinal) || errors.Contains(": 503 ", StringComparison.Ordinal);
        Assert.True(health.ExitCode == 0 || isSlow, errors);
        return health.ExitCode == 0;
    }

    private static Task<string> ErrorsAsync(Process process) =>
        process.HasExited ? process.StandardError.ReadToEndAsync().WaitAsync(Wait.Limit) : Task.FromResult("");

    private static async Task<Process> StartAsync(int? missing, string[] args, (string Name, string Value)[] environment)
    {
        string[] filter = missing is { } family ? [await Python.Value, "-c", Filter, family.ToString(CultureInfo.InvariantCulture)] : [];
        string[] command = [.. filter, TestProgram.File, .. args];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
