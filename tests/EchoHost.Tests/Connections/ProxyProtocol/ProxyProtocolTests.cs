using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Connections.ProxyProtocol;

/// <summary>PROXY headers on real sockets.</summary>
public abstract class ProxyProtocolTests(string transport) : TransportTests(transport)
{
    private const string Client = "203.0.113.7:56324";
    private const string Front = "198.51.100.2:443";
    private const string Required = "Echo:Endpoints:Tcp:ProxyProtocol=Required";
    private const string Optional = "Echo:Endpoints:Tcp:ProxyProtocol=Optional";
    private const string Trusted = "Echo:TrustedProxies:0=127.0.0.0/8";
    private const string TrustsOthers = "Echo:TrustedProxies:0=192.0.2.0/24";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_client_is_the_peer_and_the_proxy_stays_visible(int version)
    {
        await using var host = await StartHostAsync(Required, Trusted);
        using var client = await host.ConnectAsync();
        byte[] sent = [.. Header(version), .. "hello"u8];
        await client.SendAsync(sent);
        Assert.Equal("hello", Encoding.UTF8.GetString(await client.ReceiveAsync(5)));

        Assert.Contains($"Peer {Client} connecting (via {client.LocalAddress})", host.Log.Lines);
        Assert.Contains($"Received new message from peer {Client}: \"hello\". Echoing it back", host.Log.Lines);
        var connection = (await host.Http.GetFromJsonAsync<JsonElement>("/connections?peer=203.0.113.7")).GetProperty("connections")[0];
        Assert.Equal(Client, connection.GetProperty("peer").GetString());
        Assert.Equal(client.LocalAddress, connection.GetProperty("via").GetString());
        Assert.Equal(version, connection.GetProperty("proxy").GetProperty("version").GetInt32());
        Assert.Equal(5, connection.GetProperty("receivedBytes").GetInt64());
        client.HalfClose();
        Assert.Empty(await client.ReceiveToEndAsync());
        await Wait.UntilAsync(() => host.Log.Lines.Contains($"Peer {Client} disconnected"), "the end is logged");
        Assert.Contains(
            $"echohost_proxy_headers_total{{endpoint=\"Tcp\",result=\"ok\",version=\"{version}\"}} 1\n",
            await host.MetricsAsync(),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_header_may_come_a_byte_at_a_time(int version)
    {
        await using var host = await StartHostAsync(Required, Trusted);
        using var client = await host.ConnectAsync();
        foreach (var b in Header(version))
        {
            await client.SendAsync(new[] { b });
        }

        await client.EchoAsync("after a dribble");
    }

    [Fact]
    public async Task A_header_alone_is_enough_to_be_connected_and_its_limit_is_lifted()
    {
        var time = new FakeTimeProvider();
        await using var host = await StartHostAsync(time, Required, Trusted, "Echo:Limits:ProxyHeaderTimeout=00:00:05", "Echo:Limits:IdleTimeout=00:00:00");
        using var client = await host.ConnectAsync();
        await client.SendAsync(Header(2));
        await host.UntilLoggedAsync(e => e.Text.StartsWith($"Peer {Client} connecting", StringComparison.Ordinal), "the peer is connected");
        // A later connection meets the limit; this one is past it.
        var silent = EchoClient.ExpectTurnedAwayAsync(host.Tcp);
        await time.PassUntilAsync(TimeSpan.FromSeconds(1), () => silent.IsCompleted, "the other one is turned away");
        await silent;
        Assert.True(time.GetUtcNow() - time.Start >= TimeSpan.FromSeconds(5));
        await client.EchoAsync("still here");
    }

    [Fact]
    public async Task LOCAL_keeps_the_real_end_point()
    {
        await using var host = await StartHostAsync(Required, Trusted);
        using var client = await host.ConnectAsync();
        byte[] sent = [.. ProxyHeaders.V2(ProxyHeaders.Local, 0x00), .. "x"u8];
        await client.SendAsync(sent);
        await client.ReceiveAsync(1);
        Assert.Contains($"Peer {client.LocalAddress} connecting", host.Log.Lines);
        Assert.Contains(
            "echohost_proxy_headers_total{endpoint=\"Tcp\",result=\"local\",version=\"2\"} 1\n",
            await host.MetricsAsync(),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("malformed", "1", "PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\nhello")]
    [InlineData("missing", "none", "GET / HTTP/1.1\r\n\r\n")]
    [InlineData("malformed", "2", "\r\n\r\n\0\r\nQUIT\nXXXX")]
    public async Task What_is_no_header_is_turned_away_and_nothing_of_it_is_echoed(string result, string version, string bytes)
    {
        await using var host = await StartHostAsync(Required, Trusted);
        using var client = await host.ConnectAsync();
        await client.SendAsync(bytes);
        await client.ReceiveEndAsync();
        var metrics = await host.MetricsAsync();
        Assert.Contains($"echohost_proxy_headers_total{{endpoint=\"Tcp\",result=\"{result}\",version=\"{version}\"}} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("echohost_connections_rejected_total{endpoint=\"Tcp\",reason=\"proxy\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains(host.Log.Lines, l => l.StartsWith($"Peer {client.LocalAddress} turned away: ", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Log.Lines, l => l.EndsWith(" connecting", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wrong_checksum_is_turned_away()
    {
        await using var host = await StartHostAsync(Required, Trusted);
        using var client = await host.ConnectAsync();
        await client.SendAsync(ProxyHeaders.V2(Client, Front, ProxyHeaders.Tlv(0x03, 1, 2, 3, 4)));
        await client.ReceiveEndAsync();
        Assert.Contains(
            "echohost_proxy_headers_total{endpoint=\"Tcp\",result=\"checksum\",version=\"2\"} 1\n",
            await host.MetricsAsync(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_header_that_does_not_come_in_time_is_turned_away()
    {
        await using var host = await StartHostAsync(Required, Trusted, "Echo:Limits:ProxyHeaderTimeout=00:00:00.200");
        await EchoClient.ExpectTurnedAwayAsync(host.Tcp, "PROXY TCP4 ");
        Assert.Contains(
            "echohost_proxy_headers_total{endpoint=\"Tcp\",result=\"timeout\",version=\"none\"} 1\n",
            await host.MetricsAsync(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_for_a_header_stalls_nobody_else()
    {
        await using var host = await StartHostAsync(Required, Trusted);
        var waiting = new List<EchoClient>();
        try
        {
            for (var i = 0; i < 50; i++)
            {
                waiting.Add(await host.ConnectAsync());
                await waiting[i].SendAsync("PRO");
            }

            using var client = await host.ConnectAsync();
            await client.SendAsync(Header(2));
            await client.EchoAsync("not held up");
        }
        finally
        {
            waiting.ForEach(c => c.Dispose());
        }
    }

    [Fact]
    public async Task Where_a_header_is_required_only_trusted_proxies_may_connect()
    {
        await using var host = await StartHostAsync(Required, TrustsOthers);
        await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
        Assert.Contains(
            "echohost_proxy_headers_total{endpoint=\"Tcp\",result=\"untrusted\",version=\"none\"} 1\n",
            await host.MetricsAsync(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_it_is_optional_an_untrusted_header_is_payload()
    {
        await using var host = await StartHostAsync(Optional, TrustsOthers);
        using var client = await host.ConnectAsync();
        var header = Header(1);
        await client.SendAsync(header);
        var received = await client.ReceiveAsync(header.Length);
        Bytes.AssertSame(header, received);
        Assert.Contains($"Peer {client.LocalAddress} connecting", host.Log.Lines);
    }

    [Fact]
    public async Task Where_it_is_optional_a_trusted_proxy_may_do_without()
    {
        var time = new FakeTimeProvider();
        await using var host = await StartHostAsync(time, Optional, Trusted, "Echo:Limits:ProxyHeaderTimeout=00:00:05", "Echo:Limits:IdleTimeout=00:00:00");
        using var with = await host.ConnectAsync();
        await with.SendAsync(Header(2));
        await with.EchoAsync("with");
        using var without = await host.ConnectAsync();
        await without.EchoAsync("hello");
        // A possible start of a header is payload once it can't become one.
        using var ambiguous = await host.ConnectAsync();
        await ambiguous.SendAsync("PRO");
        var received = ambiguous.ReceiveAsync(3);
        await time.PassUntilAsync(TimeSpan.FromSeconds(1), () => received.IsCompleted, "it comes back");
        Assert.Equal("PRO", Encoding.ASCII.GetString(await received));
        using var ended = await host.ConnectAsync();
        await ended.SendAsync("PROX");
        ended.HalfClose();
        Assert.Equal("PROX", Encoding.ASCII.GetString(await ended.ReceiveToEndAsync()));
    }

    [Fact]
    public async Task Off_a_header_is_payload()
    {
        await using var host = await StartHostAsync(Trusted);
        using var client = await host.ConnectAsync();
        var header = Header(2);
        await client.SendAsync(header);
        var received = await client.ReceiveAsync(header.Length);
        Bytes.AssertSame(header, received);
    }

    [Fact]
    public async Task An_address_is_limited_by_what_the_header_says()
    {
        await using var host = await StartHostAsync(Required, Trusted, "Echo:Limits:MaxConnectionsPerAddress=1");
        using var first = await host.ConnectAsync();
        await first.SendAsync(Header(1));
        await first.EchoAsync("first");
        using var second = await host.ConnectAsync();
        await second.SendAsync(Header(2));
        await second.ReceiveEndAsync();
        using var other = await host.ConnectAsync();
        await other.SendAsync(ProxyHeaders.V2("203.0.113.8:1", Front));
        await other.EchoAsync("another client of the same proxy");
    }

    [Fact]
    public async Task A_drain_does_not_wait_for_headers()
    {
        await using var host = await StartHostAsync(Required, Trusted, "Echo:Limits:ProxyHeaderTimeout=00:10:00", "Echo:Shutdown:GracePeriod=00:10:00");
        using var client = await host.ConnectAsync();
        await client.SendAsync("PROXY");
        var stop = host.BeginStop();
        await client.ReceiveEndAsync();
        await stop.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task Health_checks_from_quiet_networks_are_not_heard_of()
    {
        await using var host = await StartHostAsync(
            Optional,
            Trusted,
            "Echo:QuietNetworks:0=127.0.0.1",
            "Echo:Endpoints:Strict:Url=tcp://127.0.0.1:0",
            "Echo:Endpoints:Strict:ProxyProtocol=Required",
            "Echo:Endpoints:Plain:Url=tcp://127.0.0.1:0");
        foreach (var endpoint in new[] { "Plain", "Strict", "Tcp" })
        {
            using (await host.ConnectAsync(endpoint))
            {
            }

            var reset = await host.ConnectAsync(endpoint);
            reset.Reset();
        }

        using (var local = await host.ConnectAsync("Strict"))
        {
            await local.SendAsync(ProxyHeaders.V2(ProxyHeaders.Local, 0x00));
            local.HalfClose();
            await local.ReceiveToEndAsync();
        }

        // A client that sends something is logged like any other, from its start.
        using var talking = await host.ConnectAsync("Plain");
        await talking.EchoAsync("hello");
        talking.HalfClose();
        await talking.ReceiveToEndAsync();
        await Wait.UntilAsync(() => host.Log.Lines.Contains($"Peer {talking.LocalAddress} disconnected"), "the end is logged");
        await Wait.UntilAsync(async () => (await host.Http.GetStringAsync("/connections")).Contains("\"active\":0,", StringComparison.Ordinal), "all are gone");
        Assert.Equal(
            [$"Peer {talking.LocalAddress} connecting", $"Peer {talking.LocalAddress} disconnected"],
            host.Log.Lines.Where(l => l.StartsWith("Peer ", StringComparison.Ordinal) || l.StartsWith("Error ", StringComparison.Ordinal)));
    }

    private static byte[] Header(int version) => version == 1
        ? ProxyHeaders.V1("PROXY TCP4 203.0.113.7 198.51.100.2 56324 443\r\n")
        : ProxyHeaders.V2(Client, Front);
}

public sealed class ProxyProtocolTestsOnEpoll() : ProxyProtocolTests(TransportTests.Epoll);

public sealed class ProxyProtocolTestsOnSockets() : ProxyProtocolTests(TransportTests.Sockets);
