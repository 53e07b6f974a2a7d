using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Text;
using System.Text.Json;
using EchoHost.Peers;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Balancers;

/// <summary>The host behind Debian's HAProxy.</summary>
public sealed class HAProxyTests : IDisposable
{
    private const string Required = "Echo:Endpoints:Tcp:ProxyProtocol=Required";
    private const string Trusted = "Echo:TrustedProxies:0=127.0.0.1";

    /// <summary>The client's address, distinct from the balancer's 127.0.0.1.</summary>
    private static readonly IPAddress Client = IPAddress.Parse("127.0.0.9");

    private readonly TestCertificate _certificate = new();

    public HAProxyTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "needs the whole of 127.0.0.0/8");

    public void Dispose() => _certificate.Dispose();

    [Theory]
    [InlineData("send-proxy", 1)]
    [InlineData("send-proxy-v2", 2)]
    public async Task The_clients_address_is_seen(string option, int version)
    {
        await using var host = await EchoHostFixture.StartAsync(Required, Trusted);
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $"""
            listen echo
              bind 127.0.0.1:{ports[0]}
              server one {host.Tcp} {option}
            """);
        using var client = await EchoClient.ConnectAsync(haproxy.Fronts[0], from: Client);
        await client.EchoAsync("through HAProxy");
        Assert.Contains(host.Log.Lines, l => l.StartsWith($"Peer {client.LocalAddress} connecting (via 127.0.0.1:", StringComparison.Ordinal));
        var connection = await ConnectionAsync(host);
        Assert.Equal(client.LocalAddress, connection.GetProperty("peer").GetString());
        Assert.Equal(version, connection.GetProperty("proxy").GetProperty("version").GetInt32());
        client.HalfClose();
        Assert.Empty(await client.ReceiveToEndAsync());
    }

    [Theory]
    [InlineData(1, "203.0.113.7:4711")]
    [InlineData(2, "203.0.113.7:4711")]
    [InlineData(1, "[2001:db8::7]:4711")]
    [InlineData(2, "[2001:db8::7]:4711")]
    public async Task HAProxy_believes_the_header_that_the_peer_client_sends(int version, string source)
    {
        await using var host = await EchoHostFixture.StartAsync(Required, Trusted);
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $"""
            listen echo
              bind 127.0.0.1:{ports[0]} accept-proxy
              server one {host.Tcp} send-proxy-v2
            """);
        using var transport = new PeerTransport(loops: 1);
        var client = new PeerClient(
            transport.Connections(continuesOnLoop: false),
            NameLookups.OfSystem(),
            new PeerLink(new ProxyPreamble(version, IPEndPoint.Parse(source))),
            TimeProvider.System);
        await using var connection = await client.ConnectAsync(
            new PeerTarget("127.0.0.1", haproxy.Fronts[0].Port, IsTls: false),
            Wait.Limit,
            CancellationToken.None);
        await connection.EchoAsync("through HAProxy"u8.ToArray(), Wait.Limit, CancellationToken.None);
        Assert.Equal(source, (await ConnectionAsync(host)).GetProperty("peer").GetString());
    }

    [Fact]
    public async Task What_HAProxy_knows_of_the_client_is_shown()
    {
        await using var host = await EchoHostFixture.StartAsync(Required, Trusted);
        var pem = Path.Combine(_certificate.Folder, "both.pem");
        await File.WriteAllTextAsync(pem, await File.ReadAllTextAsync(_certificate.CertificatePath) + "\n" + await File.ReadAllTextAsync(_certificate.KeyPath));
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $$"""
            listen echo
              bind 127.0.0.1:{{ports[0]}} ssl crt {{pem}} alpn echo
              unique-id-format id-%ci-%cp
              server one {{host.Tcp}} send-proxy-v2 proxy-v2-options ssl,cert-cn,ssl-cipher,authority,crc32c,unique-id
            """);
        using var socket = await EchoClient.ConnectAsync(haproxy.Fronts[0], from: Client);
        await using var client = await EncryptAsync(socket);
        await EchoAsync(client, "TLS ends at HAProxy");
        var proxy = (await ConnectionAsync(host)).GetProperty("proxy");
        Assert.Equal("localhost", proxy.GetProperty("authority").GetString());
        var port = ((IPEndPoint)socket.Socket.LocalEndPoint!).Port;
        Assert.Equal($"id-{Client}-{port}", proxy.GetProperty("uniqueId").GetString());
        Assert.Equal("TLSv1.3", proxy.GetProperty("tls").GetProperty("version").GetString());
        Assert.StartsWith("TLS_", proxy.GetProperty("tls").GetProperty("cipher").GetString(), StringComparison.Ordinal);
        Assert.False(proxy.GetProperty("tls").GetProperty("clientCertificate").GetBoolean());
        Assert.Equal("echo", proxy.GetProperty("alpn").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("ssl verify none")]
    public async Task TLS_passes_through_or_begins_at_HAProxy(string serverOptions)
    {
        await using var host = await EchoHostFixture.StartAsync([.. _certificate.Settings, "Echo:Endpoints:Tls:ProxyProtocol=Required", Trusted]);
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $"""
            listen echo
              bind 127.0.0.1:{ports[0]}
              server one {host.EndPoints["Tls"]} send-proxy-v2 {serverOptions}
            """);
        using var socket = await EchoClient.ConnectAsync(haproxy.Fronts[0], from: Client);
        if (serverOptions.Length == 0)
        {
            await using var client = await EncryptAsync(socket);
            await EchoAsync(client, "TLS passes through");
        }
        else
        {
            await socket.EchoAsync("TLS begins at HAProxy");
        }

        Assert.Contains(host.Log.Lines, l => l.StartsWith($"Peer {socket.LocalAddress} connecting (via 127.0.0.1:", StringComparison.Ordinal));
    }

    /// <remarks>
    /// HAProxy's check without a header is left out: it never completes the TCP handshake, so there is nothing to log.
    /// </remarks>
    [Theory]
    [InlineData("check inter 50ms send-proxy check-send-proxy")]
    [InlineData("check inter 50ms send-proxy-v2 check-send-proxy")]
    public async Task Health_checks_stay_quiet(string serverOptions)
    {
        await using var host = await EchoHostFixture.StartAsync(Required, Trusted, "Echo:QuietNetworks:0=127.0.0.1");
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $"""
            listen echo
              bind 127.0.0.1:{ports[0]}
              server one {host.Tcp} {serverOptions}
            """);
        await Wait.UntilAsync(async () => Checks(await host.MetricsAsync()) >= 10, "ten health checks have come and gone");
        Assert.DoesNotContain(host.Log.Lines, l => l.StartsWith("Peer ", StringComparison.Ordinal) || l.StartsWith("Error ", StringComparison.Ordinal));
        using var client = await EchoClient.ConnectAsync(haproxy.Fronts[0], from: Client);
        await client.EchoAsync("a client is heard");
        Assert.Contains(host.Log.Lines, l => l.Contains(" connecting", StringComparison.Ordinal));

        // HAProxy resets its checks, sometimes before the header is read.
        static int Checks(string metrics) => metrics.Split('\n')
            .Where(l => l.StartsWith("echohost_proxy_headers_total", StringComparison.Ordinal))
            .Sum(l => int.Parse(l.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    private static async Task<JsonElement> ConnectionAsync(EchoHostFixture host) =>
        Assert.Single((await host.Http.GetFromJsonAsync<JsonElement>("/connections")).GetProperty("connections").EnumerateArray());

    private static async Task<SslStream> EncryptAsync(EchoClient client)
    {
        var stream = new SslStream(new System.Net.Sockets.NetworkStream(client.Socket, ownsSocket: false));
        using var limit = new CancellationTokenSource(Wait.Limit);
#pragma warning disable CA5359 // Made for the test.
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                ApplicationProtocols = [new SslApplicationProtocol("echo")],
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            },
            limit.Token);
#pragma warning restore CA5359
        return stream;
    }

    private static async Task EchoAsync(SslStream client, string text)
    {
        await client.WriteAsync(Encoding.UTF8.GetBytes(text));
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        await client.ReadExactlyAsync(bytes).AsTask().WaitAsync(Wait.Limit);
        Assert.Equal(text, Encoding.UTF8.GetString(bytes));
    }
}
