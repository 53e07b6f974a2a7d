using System.Text;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Echo;

/// <summary>Log lines as the program writes them to its standard output.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public class LogOutputTests
{
    [Fact]
    public async Task No_peer_can_forge_a_line()
    {
        using var host = await EchoHostProcess.StartHostAsync();
        using (var client = await EchoClient.ConnectAsync(host.Tcp))
        {
            await client.EchoAsync("x\". Echoing it back\r\n[00:00:00.000 INF] Peer 6.6.6.6:666 connecting\u2028Peer 6.6.6.6:666 connecting\r\n");
        }

        await Wait.UntilAsync(() => host.Output.Any(l => l.EndsWith(" disconnected", StringComparison.Ordinal)), "the connection's end is logged");
        Assert.DoesNotContain(
            host.Output,
            l => l.StartsWith("[00:00:00.000 INF]", StringComparison.Ordinal) || l.EndsWith("6.6.6.6:666 connecting", StringComparison.Ordinal));
        const string escaped = @"""x\"". Echoing it back\r\n[00:00:00.000 INF] Peer 6.6.6.6:666 connecting\u2028Peer";
        Assert.Single(host.Output, l => l.Contains(escaped, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Containers_get_a_JSON_object_a_line()
    {
        using var host = await EchoHostProcess.StartHostAsync(["--Logging:Format=json"]);
        string peer;
        using (var client = await EchoClient.ConnectAsync(host.Tcp))
        {
            peer = client.LocalAddress;
            await client.SendAsync(Encoding.UTF8.GetBytes("a \"b\"\n"));
            await client.ReceiveAsync(6);
        }

        await Wait.UntilAsync(() => host.Output.Any(l => l.Contains(" disconnected", StringComparison.Ordinal)), "the connection's end is logged");
        var events = host.Output.Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement).ToList();
        var rendered = events.Select(e => e.GetProperty("RenderedMessage").GetString()).ToList();
        Assert.Contains($"Peer {peer} connecting", rendered);
        Assert.Contains($"Received new message from peer {peer}: \"a \\\"b\\\"\\n\". Echoing it back", rendered);
        Assert.Equal(
            "peer_closed",
            events.Single(e => e.GetProperty("RenderedMessage").GetString() == $"Peer {peer} disconnected")
                .GetProperty("Properties")
                .GetProperty("Reason")
                .GetString());
    }
}
