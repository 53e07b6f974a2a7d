using System.Net;
using EchoHost.Peers;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers;

/// <summary>The client against a real host.</summary>
public abstract class PeerHostTests(string transport) : PeerTests(transport)
{
    [Theory]
    [InlineData(1, "203.0.113.7:56324", "203.0.113.7:56324")]
    [InlineData(2, "203.0.113.7:56324", "203.0.113.7:56324")]
    [InlineData(1, "[2001:db8::7]:1", "[2001:db8::7]:1")]
    [InlineData(2, "[2001:db8::7]:1", "[2001:db8::7]:1")]
    public async Task The_host_sees_the_source_that_the_PROXY_header_gives(int version, string source, string peer)
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.0/8");
        await using var connection = await ConnectAsync(Of(host.Tcp), new PeerLink(new ProxyPreamble(version, IPEndPoint.Parse(source))));
        await EchoAsync(connection);
        var shown = await host.ConnectionAsync();
        Assert.Equal(peer, shown.GetProperty("peer").GetString());
        Assert.StartsWith("127.0.0.1:", shown.GetProperty("via").GetString(), StringComparison.Ordinal);
        Assert.Equal(version, shown.GetProperty("proxy").GetProperty("version").GetInt32());
        // The header is not part of the echo.
        Assert.Equal(64, shown.GetProperty("receivedBytes").GetInt64());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Without_a_source_the_PROXY_header_gives_the_connections_own(int version)
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.0/8");
        await using var connection = await ConnectAsync(Of(host.Tcp), new PeerLink(new ProxyPreamble(version, null)));
        await EchoAsync(connection);
        var shown = await host.ConnectionAsync();
        Assert.Equal(shown.GetProperty("via").GetString(), shown.GetProperty("peer").GetString());
    }

    [Fact]
    public async Task The_PROXY_header_comes_before_TLS()
    {
        using var certificate = new TestCertificate();
        await using var host = await EchoHostFixture.StartAsync(
            [.. certificate.Settings, "Echo:Endpoints:Tls:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.0/8"]);
        var link = new PeerLink(new ProxyPreamble(2, IPEndPoint.Parse("203.0.113.7:1")), new PeerTls(Authorities: [certificate.Certificate]));
        await using var connection = await ConnectAsync(Of(host.EndPoints["Tls"]) with { IsTls = true }, link);
        await EchoAsync(connection);
        Assert.Equal("203.0.113.7:1", (await host.ConnectionAsync()).GetProperty("peer").GetString());
    }

    [Fact]
    public async Task A_host_that_wants_a_PROXY_header_turns_away_who_has_none()
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.0/8");
        var probe = await Client().ProbeAsync(Of(host.Tcp), 64, Ample, CancellationToken.None).WaitAsync(Wait.Limit);
        Assert.True(probe.Result is ProbeResult.Closed or ProbeResult.Reset, $"{probe.Result}: {probe.Error}");
    }

    [Fact]
    public async Task A_host_that_is_full_turns_away()
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:Limits:MaxConnections=1");
        await using var first = await ConnectAsync(Of(host.Tcp));
        await EchoAsync(first);
        var probe = await Client().ProbeAsync(Of(host.Tcp), 64, Ample, CancellationToken.None).WaitAsync(Wait.Limit);
        Assert.True(probe.IsTurnedAway, $"{probe.Result}: {probe.Error}");
        Assert.True(probe.Result is ProbeResult.Reset || (!KnowsResets && probe.Result == ProbeResult.Closed), $"{probe.Result}: {probe.Error}");
        await EchoAsync(first);
    }

    private static PeerTarget Of(EndPoint endPoint) => new("127.0.0.1", ((IPEndPoint)endPoint).Port, false);

    private static Task<EchoTimes> EchoAsync(PeerConnection connection) =>
        connection.EchoAsync(UniquePayload.Text(64), Ample, CancellationToken.None).WaitAsync(Wait.Limit);
}

public sealed class PeerHostTestsOnEpoll() : PeerHostTests(Epoll);

public sealed class PeerHostTestsOnSockets() : PeerHostTests(Sockets);
