using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using EchoHost.Connections.Tracking;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Http;

public abstract class ConnectionsEndpointTests(string transport) : TransportTests(transport)
{
    [Fact]
    public async Task A_connection_is_shown_with_what_it_has_moved_and_what_the_kernel_knows()
    {
        await using var host = await StartHostAsync();
        using var client = await host.ConnectAsync();
        await client.EchoAsync("Hello, opencode.space!\r\n");

        JsonElement list = default;
        // The counters lag slightly behind the bytes, and the kernel's by an acknowledgement.
        await Wait.UntilAsync(
            async () =>
            {
                list = await host.Http.GetFromJsonAsync<JsonElement>("/connections");
                var first = list.GetProperty("connections")[0];
                return first.GetProperty("sentBytes").GetInt64() == 24
                    && (first.GetProperty("tcp") is not { ValueKind: JsonValueKind.Object } known || known.GetProperty("sendQueueBytes").GetInt64() == 0);
            },
            "the bytes are counted");
        Assert.Equal(Environment.MachineName, list.GetProperty("instance").GetString());
        Assert.Equal("accepting", list.GetProperty("state").GetString());
        Assert.Equal(1, list.GetProperty("active").GetInt32());
        var connection = Assert.Single(list.GetProperty("connections").EnumerateArray());
        Assert.Equal("Tcp", connection.GetProperty("endpoint").GetString());
        Assert.Equal(client.LocalAddress, connection.GetProperty("peer").GetString());
        Assert.Equal(24, connection.GetProperty("receivedBytes").GetInt64());
        Assert.Equal(1, connection.GetProperty("messages").GetInt64());
        Assert.EndsWith("Z", connection.GetProperty("openedAt").GetString(), StringComparison.Ordinal);
        Assert.True(connection.GetProperty("ageSeconds").GetDouble() >= connection.GetProperty("idleSeconds").GetDouble());
        Assert.All(new[] { "via", "tls", "proxy" }, name => Assert.Equal(JsonValueKind.Null, connection.GetProperty(name).ValueKind));
        if (OperatingSystem.IsLinux())
        {
            var tcp = connection.GetProperty("tcp");
            Assert.InRange(tcp.GetProperty("rttMs").GetDouble(), 0.001, 10_000);
            Assert.InRange(tcp.GetProperty("minRttMs").GetDouble(), 0.0, tcp.GetProperty("rttMs").GetDouble() * 10);
            Assert.True(tcp.TryGetProperty("retransmits", out _));
            Assert.Equal(0, tcp.GetProperty("sendQueueBytes").GetInt64());
        }

        var one = await host.Http.GetFromJsonAsync<JsonElement>($"/connections/{connection.GetProperty("id").GetString()}");
        Assert.Equal(client.LocalAddress, one.GetProperty("peer").GetString());
        Assert.Equal(HttpStatusCode.NotFound, (await host.Http.GetAsync("/connections/nobody")).StatusCode);
    }

    [Fact]
    public async Task What_the_peer_does_not_take_is_in_the_send_queue()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells");
        await using var host = await StartHostAsync("Echo:LogMessages=false");
        using var client = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        var sending = client.SendAsync(new byte[2_000_000]);
        await Wait.UntilAsync(
            async () => await host.SendQueueAsync() > 10_000,
            "bytes wait to be taken");
        await client.ReceiveAsync(2_000_000);
        await sending;
        await Wait.UntilAsync(
            async () => await host.SendQueueAsync() == 0,
            "all is taken");
    }

    [Fact]
    public async Task Lists_are_sorted_limited_and_filtered()
    {
        var time = new FakeTimeProvider();
        await using var host = await StartHostAsync(time);
        var clients = new List<EchoClient>();
        try
        {
            for (var i = 0; i < 3; i++)
            {
                clients.Add(await host.ConnectAsync());
                await EchoThenPassAsync(clients[i], new string('x', i == 1 ? 1000 : 10));
            }

            await EchoThenPassAsync(clients[0], "most recent");

            async Task EchoThenPassAsync(EchoClient client, string text)
            {
                await client.EchoAsync(text);
                // The host's counters lag slightly behind the bytes.
                var connection = host.Services.GetRequiredService<ConnectionRegistry>().All().Single(c => c.Client == client.LocalAddress);
                await Wait.UntilAsync(() => connection.SentBytes == connection.ReceivedBytes, "the bytes are counted");
                time.Advance(TimeSpan.FromSeconds(1));
            }

            async Task<string[]> Peers(string query) =>
                [
                    .. (await host.Http.GetFromJsonAsync<JsonElement>($"/connections{query}"))
                        .GetProperty("connections")
                        .EnumerateArray()
                        .Select(c => c.GetProperty("peer").GetString()!),
                ];
            string[] all = [.. clients.Select(c => c.LocalAddress)];
            Assert.Equal(all, await Peers(""));
            Assert.Equal(all, await Peers("?sort=age"));
            Assert.Equal([all[1], all[2], all[0]], await Peers("?sort=idle"));
            Assert.Equal(all[1], (await Peers("?sort=received"))[0]);
            Assert.Equal(3, (await Peers("?sort=rtt")).Length);
            Assert.Equal([all[0]], await Peers("?limit=1"));
            Assert.Empty(await Peers("?limit=0"));
            Assert.Equal([all[2]], await Peers($"?peer={all[2]}"));
            Assert.Equal(all, await Peers("?peer=127.0.0.1"));
            Assert.Equal(all, await Peers("?peer=127.0.0.0/8"));
            Assert.Empty(await Peers("?peer=192.0.2.1"));
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }
}

public sealed class ConnectionsEndpointTestsOnEpoll() : ConnectionsEndpointTests(TransportTests.Epoll);

public sealed class ConnectionsEndpointTestsOnSockets() : ConnectionsEndpointTests(TransportTests.Sockets);
