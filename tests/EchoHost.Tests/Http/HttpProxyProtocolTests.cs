using System.Text;
using EchoHost.Connections.Admission;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Http;

/// <summary>PROXY headers before HTTP.</summary>
public class HttpProxyProtocolTests
{
    private const string Trusted = "Echo:TrustedProxies:0=127.0.0.0/8";

    private static readonly byte[] Header = ProxyHeaders.V2("203.0.113.7:56324", "198.51.100.2:443");

    [Fact]
    public async Task The_HTTP_endpoint_takes_headers_too()
    {
        await using var host = await EchoHostFixture.StartAsync("Http:ProxyProtocol=Required", Trusted);
        using var client = await EchoClient.ConnectAsync(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, host.Http.BaseAddress!.Port));
        byte[] sent = [.. Header, .. "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8];
        await client.SendAsync(sent);
        var response = Encoding.ASCII.GetString(await client.ReceiveToEndAsync());
        Assert.StartsWith("HTTP/1.1 200 OK", response, StringComparison.Ordinal);
        Assert.Contains("echohost_proxy_headers_total{endpoint=\"http\",result=\"ok\",version=\"2\"} 1\n", response, StringComparison.Ordinal);
        await Assert.ThrowsAsync<HttpRequestException>(() => host.Http.GetAsync("/health"));
    }

    [Fact]
    public async Task One_that_loses_its_place_before_its_header_is_counted_once()
    {
        await using var host = await EchoHostFixture.StartAsync("Http:ProxyProtocol=Required", Trusted);
        var target = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, host.Http.BaseAddress!.Port);
        var metrics = host.Services.GetRequiredService<EchoMetrics>().For(EchoMetrics.HttpEndpoint);
        var clients = new List<EchoClient>();
        try
        {
            for (var i = 0; i <= host.Services.GetRequiredService<ConnectionCapacity>().Http; i++)
            {
                clients.Add(await EchoClient.ConnectAsync(target));
            }

            await Wait.UntilAsync(() => metrics.RejectedFor(RejectReason.Limit) == 1, "one has given way");
            byte[] sent = [.. Header, .. "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8];
            await clients[^1].SendAsync(sent);
            await clients[^1].ReceiveToEndAsync();
            Assert.Equal(0, metrics.RejectedFor(RejectReason.Draining));
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task The_HTTP_endpoint_takes_headers_during_a_drain()
    {
        // No time passes, so the busy connection does not become quiet.
        var time = new FakeTimeProvider();
        await using var host = await EchoHostFixture.StartAsync(time, "Http:ProxyProtocol=Optional", Trusted, "Echo:Shutdown:GracePeriod=00:10:00");
        using var busy = await host.ConnectAsync();
        await busy.EchoAsync("busy");
        var stop = host.BeginStop();
        var target = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, host.Http.BaseAddress!.Port);
        async Task<string> AskAsync()
        {
            await busy.EchoAsync("busy");
            using var client = await EchoClient.ConnectAsync(target);
            byte[] request = [.. Header, .. "GET /connections HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8];
            await client.SendAsync(request);
            return Encoding.ASCII.GetString(await client.ReceiveToEndAsync());
        }

        await Wait.UntilAsync(async () => (await AskAsync()).Contains("\"state\":\"draining\"", StringComparison.Ordinal), "the drain has begun");
        // It still answers after new echo clients are rejected.
        await Wait.UntilAsync(async () => await EchoClient.TryEnterAsync(host.Tcp, "late") is null, "new peers are turned away");
        Assert.StartsWith("HTTP/1.1 200 OK", await AskAsync(), StringComparison.Ordinal);
        busy.Dispose();
        await time.PassUntilAsync(TimeSpan.FromMilliseconds(100), () => stop.IsCompleted, "the host stops");
        await stop;
    }
}
