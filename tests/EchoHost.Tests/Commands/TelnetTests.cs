using System.Diagnostics;
using System.Globalization;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

/// <summary>A session with the real telnet.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public class TelnetTests
{
    [Fact]
    public async Task Telnet_sees_its_line_again()
    {
        var telnet = Tool.Need("telnet");
        using var host = await EchoHostProcess.StartHostAsync();
        using var session = Process.Start(new ProcessStartInfo(telnet, ["127.0.0.1", host.Port.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            async Task<string?> Line() => await session.StandardOutput.ReadLineAsync().WaitAsync(Wait.Limit);
            Assert.StartsWith("Trying", await Line(), StringComparison.Ordinal);
            Assert.StartsWith("Connected", await Line(), StringComparison.Ordinal);
            Assert.StartsWith("Escape", await Line(), StringComparison.Ordinal);
            await session.StandardInput.WriteLineAsync("Hello, opencode.space!");
            await session.StandardInput.FlushAsync();
            Assert.Equal("Hello, opencode.space!", await Line());
            await Wait.UntilAsync(
                () => host.Output.Any(l => l.Contains(": \"Hello, opencode.space!\\r\\n\". Echoing it back", StringComparison.Ordinal)),
                "the message is logged");
        }
        finally
        {
            session.Kill();
        }

        await Wait.UntilAsync(() => host.Output.Any(l => l.EndsWith(" disconnected", StringComparison.Ordinal)), "the end is logged");
        Assert.Contains(host.Output, l => l.EndsWith(" connecting", StringComparison.Ordinal));
    }
}
