using System.Net;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Balancers;

/// <summary>The host behind Debian's nginx as a stream proxy.</summary>
public class NginxTests
{
    [Fact]
    public async Task The_clients_address_is_seen_and_every_byte_comes_back()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs the whole of 127.0.0.0/8");
        await using var host = await EchoHostFixture.StartAsync(
            "Echo:Endpoints:Tcp:ProxyProtocol=Required",
            "Echo:TrustedProxies:0=127.0.0.1",
            "Echo:LogMessages=false");
        using var nginx = await Balancer.NginxAsync(1, ports => $$"""
            server { listen 127.0.0.1:{{ports[0]}}; proxy_pass {{host.Tcp}}; proxy_protocol on; }
            """);
        using var client = await EchoClient.ConnectAsync(nginx.Fronts[0], from: IPAddress.Parse("127.0.0.9"));
        var sent = new byte[1_000_000];
        new Random(9).NextBytes(sent);
        var sending = client.SendAsync(sent);
        var received = await client.ReceiveAsync(sent.Length);
        await sending;
        Bytes.AssertSame(sent, received);
        Assert.Contains(host.Log.Lines, l => l.StartsWith($"Peer {client.LocalAddress} connecting (via 127.0.0.1:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_of_another_family_than_nginx_itself_is_taken()
    {
        // As behind another proxy: nginx takes the client's address from the header it receives, and its own as the destination.
        await using var host = await EchoHostFixture.StartAsync("Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.1");
        using var nginx = await Balancer.NginxAsync(1, ports => $$"""
            server { listen 127.0.0.1:{{ports[0]}} proxy_protocol; set_real_ip_from 127.0.0.1; proxy_pass {{host.Tcp}}; proxy_protocol on; }
            """);
        using var client = await EchoClient.ConnectAsync(nginx.Fronts[0]);
        await client.SendAsync("PROXY TCP6 2001:db8::1 2001:db8::2 51512 443\r\n");
        await client.EchoAsync("hello");
        Assert.Contains(host.Log.Lines, l => l.StartsWith("Peer [2001:db8::1]:51512 connecting (via 127.0.0.1:", StringComparison.Ordinal));
    }
}
