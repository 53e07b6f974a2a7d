using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Echo;

public abstract class LogLinesTests(string transport) : TransportTests(transport)
{
    [Fact]
    public async Task A_session_reads_as_promised()
    {
        await using var host = await StartHostAsync();
        string peer;
        using (var client = await host.ConnectAsync())
        {
            peer = client.LocalAddress;
            await client.EchoAsync("Hello, opencode.space!\r\n");
            client.HalfClose();
            await client.ReceiveToEndAsync();
        }

        await Wait.UntilAsync(() => host.Log.Lines.Contains($"Peer {peer} disconnected"), "the connection's end is logged");
        var port = ((System.Net.IPEndPoint)host.Tcp).Port;
        Assert.Contains($"Listening for connections on port {port}", host.Log.Lines);
        Assert.Equal(
            [
                $"Peer {peer} connecting",
                $"Received new message from peer {peer}: \"Hello, opencode.space!\\r\\n\". Echoing it back",
                $"Peer {peer} disconnected",
            ],
            host.Log.Lines.Where(l => l.Contains(peer, StringComparison.Ordinal)));
        var end = host.Log.Entries.Single(e => e.Text == $"Peer {peer} disconnected");
        Assert.Equal(LogLevel.Information, end.Level);
        Assert.Equal("peer_closed", end.Properties["Reason"]);
        Assert.Equal(24L, end.Properties["ReceivedBytes"]);
        Assert.Equal(24L, end.Properties["SentBytes"]);
        Assert.IsType<double>(end.Properties["DurationSeconds"]);
        Assert.DoesNotContain(host.Log.Lines, l => l.Contains("Now listening", StringComparison.Ordinal) || l.Contains("Overriding", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_reset_is_a_warning()
    {
        await using var host = await StartHostAsync();
        var client = await host.ConnectAsync();
        var peer = client.LocalAddress;
        await client.EchoAsync("x");
        client.Reset();
        await Wait.UntilAsync(() => host.Log.Lines.Contains($"Peer {peer} disconnected"), "the connection's end is logged");
        Assert.Equal(LogLevel.Warning, host.Log.Entries.Single(e => e.Text == $"Error with peer {peer}: connection reset by peer").Level);
    }

    [Fact]
    public async Task Past_the_limit_one_line_a_second_counts_what_was_left_out()
    {
        var time = new FakeTimeProvider();
        await using var host = await StartHostAsync(time, "Echo:MessageLogLimit=3");
        using var client = await host.ConnectAsync();
        const int messages = 50;
        for (var i = 0; i < messages; i++)
        {
            await client.EchoAsync("m");
        }

        int Logged() => host.Log.Lines.Count(l => l.StartsWith("Received new message", StringComparison.Ordinal));
        int LeftOut() => host.Log.Entries
            .Where(e => e.Text.Contains("more messages were echoed but not logged", StringComparison.Ordinal))
            .Sum(e => (int)e.Properties["LeftOut"]!);
        Assert.Equal((3, 0), (Logged(), LeftOut()));
        time.Advance(TimeSpan.FromSeconds(1));
        await Wait.UntilAsync(() => LeftOut() > 0, "what was left out is counted");
        Assert.Equal((3, messages - 3), (Logged(), LeftOut()));
        Assert.Single(host.Log.Lines, l => l.Contains("more messages were echoed but not logged", StringComparison.Ordinal));

        // After that there is room for other lines.
        await client.EchoAsync("m");
        Assert.Equal(4, Logged());
    }

    [Fact]
    public async Task Off_is_off()
    {
        await using var host = await StartHostAsync("Echo:LogMessages=false");
        using (var client = await host.ConnectAsync())
        {
            await client.EchoAsync("secret");
        }

        await host.UntilLoggedAsync(e => e.Text.EndsWith(" disconnected", StringComparison.Ordinal), "the connection's end is logged");
        Assert.DoesNotContain(host.Log.Lines, l => l.Contains("secret", StringComparison.Ordinal));
    }
}

public sealed class LogLinesTestsOnEpoll() : LogLinesTests(TransportTests.Epoll);

public sealed class LogLinesTestsOnSockets() : LogLinesTests(TransportTests.Sockets);
