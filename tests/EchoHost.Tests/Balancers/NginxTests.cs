using System.Net;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Balancers;

/// <summary>Behind Debian's nginx, as a stream proxy.</summary>
public class NginxTests
{
    [Fact]
    public async Task The_clients_address_is_seen_and_every_byte_comes_back()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs the whole of 127.0.0.0/8");
        await using var host = await EchoHostFixture.StartAsync("Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.1", "Echo:LogMessages=false");
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
}
