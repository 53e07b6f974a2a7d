using System.Net;
using System.Net.Sockets;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Connections.Admission;

public abstract class AdmissionTests(string transport) : TransportTests(transport)
{
    [Fact]
    public async Task Past_the_limit_callers_are_turned_away_counted_and_logged_once()
    {
        await using var host = await StartHostAsync(new FakeTimeProvider(), "Echo:Limits:MaxConnections=2");
        using var first = await host.ConnectAsync();
        using var second = await host.ConnectAsync();
        await first.EchoAsync("first");
        await second.EchoAsync("second");
        for (var i = 0; i < 5; i++)
        {
            await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
        }

        Assert.Contains("echohost_connections_rejected_total{endpoint=\"Tcp\",reason=\"limit\"} 5\n", await host.MetricsAsync(), StringComparison.Ordinal);
        // One line a second, and no time passes here.
        Assert.Equal(
            LogLevel.Warning,
            Assert.Single(host.Log.Entries, e => e.Text.Contains("turned away: the limit of 2 connections is reached", StringComparison.Ordinal)).Level);

        // Open connections are not affected, and a free place is taken.
        await first.EchoAsync("still here");
        second.Dispose();
        EchoClient? next = null;
        await Wait.UntilAsync(async () => (next = await EchoClient.TryEnterAsync(host.Tcp, "in")) is not null, "the place is free");
        using (next)
        {
            await next!.EchoAsync("and served");
        }
    }

    [Fact]
    public async Task One_address_can_not_take_every_place()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs the whole of 127.0.0.0/8");
        await using var host = await StartHostAsync("Echo:Limits:MaxConnectionsPerAddress=1");
        using var first = await host.ConnectAsync();
        await first.EchoAsync("first");
        await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
        using var other = await EchoClient.ConnectAsync(host.Tcp, from: IPAddress.Parse("127.0.0.2"));
        await other.EchoAsync("from elsewhere");
        Assert.Contains(
            "echohost_connections_rejected_total{endpoint=\"Tcp\",reason=\"address_limit\"} 1\n",
            await host.MetricsAsync(),
            StringComparison.Ordinal);
    }

    /// <summary>A client controls all addresses of its IPv6 network, but one IPv4 address.</summary>
    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:3::1")]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2")]
    public async Task Many_addresses_of_one_client_are_one(string one, string same, string other)
    {
        await using var host = await StartHostAsync(
            "Echo:Limits:MaxConnectionsPerAddress=1", "Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.1");
        using var first = await FromAsync(one);
        await first.EchoAsync("first");
        using var second = await FromAsync(same);
        Assert.Empty(await ReceiveUntilTurnedAwayAsync(second));
        using var third = await FromAsync(other);
        await third.EchoAsync("from elsewhere");

        async Task<EchoClient> FromAsync(string address)
        {
            var client = await host.ConnectAsync();
            var family = address.Contains(':', StringComparison.Ordinal) ? 6 : 4;
            await client.SendAsync($"PROXY TCP{family} {address} {(family == 6 ? "2001:db8::ff" : "192.0.2.255")} 1000 5555\r\n");
            return client;
        }

        static async Task<byte[]> ReceiveUntilTurnedAwayAsync(EchoClient client)
        {
            try
            {
                return await client.ReceiveToEndAsync();
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                return [];
            }
        }
    }

    [Fact]
    public async Task The_readiness_check_passes_a_full_host()
    {
        await using var host = await StartHostAsync("Echo:Limits:MaxConnections=1");
        using var only = await host.ConnectAsync();
        await only.EchoAsync("full");
        await host.UntilReadyAsync();
    }
}

public sealed class AdmissionTestsOnEpoll() : AdmissionTests(TransportTests.Epoll);

public sealed class AdmissionTestsOnSockets() : AdmissionTests(TransportTests.Sockets);
