using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EchoHost.Connections.Tracking;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Who;

/// <summary>A <c>Who</c> endpoint over real sockets.</summary>
public abstract class WhoTests(string transport) : TransportTests(transport), IDisposable
{
    private const string Endpoint = "Echo:Endpoints:Tcp:Service=Who";

    private readonly TestCertificate _certificate = new();

    public void Dispose() => _certificate.Dispose();

    [Fact]
    public async Task A_client_that_sends_nothing_gets_one_line_and_FIN()
    {
        await using var host = await StartHostAsync(Endpoint, "Instance:Name=echo-1", "Instance:Labels:zone=b", "Instance:Labels:node=n7");
        using var client = await host.ConnectAsync();
        using var answer = Parse(await client.ReceiveToEndAsync());
        Assert.Equal("echo-1", answer.RootElement.GetProperty("instance").GetString());
        Assert.Equal("""{"node":"n7","zone":"b"}""", answer.RootElement.GetProperty("labels").GetRawText());
        Assert.Equal(EchoMetrics.Version, answer.RootElement.GetProperty("version").GetString());
        Assert.Equal("Tcp", answer.RootElement.GetProperty("endpoint").GetString());
        Assert.Equal(client.LocalAddress, answer.RootElement.GetProperty("peer").GetString());
        Assert.Equal(host.Tcp.ToString(), answer.RootElement.GetProperty("local").GetString());
        Assert.InRange(answer.RootElement.GetProperty("time").GetDateTime(), DateTime.UtcNow.AddMinutes(-1), DateTime.UtcNow.AddMinutes(1));
        Assert.All(["via", "proxy", "tls"], name => Assert.Equal(JsonValueKind.Null, answer.RootElement.GetProperty(name).ValueKind));
        if (OperatingSystem.IsLinux())
        {
            var tcp = answer.RootElement.GetProperty("tcp");
            Assert.InRange(tcp.GetProperty("mss").GetInt32(), 1, 65535);
            Assert.InRange(tcp.GetProperty("pathMtu").GetInt32(), tcp.GetProperty("mss").GetInt32() + 1, 65536);
            Assert.True(tcp.GetProperty("rttMs").GetDouble() >= 0);
        }
    }

    /// <summary>To close a socket with unread bytes is RST, which could take the answer along.</summary>
    [Fact]
    public async Task A_client_that_speaks_first_gets_the_whole_answer_and_no_reset()
    {
        await using var host = await StartHostAsync(Endpoint);
        var whole = 0;
        for (var i = 0; i < 20; i++)
        {
            try
            {
                using var client = await host.ConnectAsync();
                await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
                using var answer = Parse(await client.ReceiveToEndAsync());
                Assert.Equal(client.LocalAddress, answer.RootElement.GetProperty("peer").GetString());
                whole++;
            }
            catch (SocketException e) when (EchoClient.IsReset(e))
            {
                // The machine paused for longer than the host waits for its client.
            }
        }

        Assert.InRange(whole, 15, 20);
    }

    [Fact]
    public async Task It_is_counted_and_logged_as_any_connection()
    {
        await using var host = await StartHostAsync(Endpoint);
        byte[] line;
        string address;
        using (var client = await host.ConnectAsync())
        {
            address = client.LocalAddress;
            line = await client.ReceiveToEndAsync();
        }

        await Wait.UntilAsync(() => host.Services.GetRequiredService<ConnectionRegistry>().Count == 0, "the connection has ended");
        await Wait.UntilAsync(() => host.Log.Lines.Contains($"Peer {address} disconnected"), "its end is logged");
        Assert.Contains($"Peer {address} connecting", host.Log.Lines);
        var metrics = host.Services.GetRequiredService<EchoMetrics>().For("Tcp");
        Assert.Equal((1L, 0L, (long)line.Length, 0L), (metrics.Accepted, metrics.Active, metrics.SentBytes, metrics.ReceivedBytes));
        Assert.Equal(0, metrics.Empty);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, "TLSv1.2")]
    [InlineData(SslProtocols.Tls13, "TLSv1.3")]
    public async Task Over_TLS_it_tells_of_TLS(SslProtocols protocol, string name)
    {
        using var shown = TestCertificate.Create("visitor");
        var authorities = Path.Combine(_certificate.Folder, "authorities.pem");
        await File.WriteAllTextAsync(authorities, shown.ExportCertificatePem());
        await using var host = await StartHostAsync([
            .. _certificate.Settings,
            "Echo:Endpoints:Tls:Service=Who",
            "Echo:Endpoints:Tls:ClientCertificateMode=AllowCertificate",
            $"Echo:Endpoints:Tls:ClientCertificateAuthorities={authorities}"]);
        await using var client = await TlsClient.ConnectAsync(host.EndPoints["Tls"], protocol, shown, "echo", "h2");
        Assert.Equal("echo", client.NegotiatedApplicationProtocol.ToString());
        using var answer = Parse(await ToEndAsync(client));
        var tls = answer.RootElement.GetProperty("tls");
        Assert.Equal(name, tls.GetProperty("protocol").GetString());
        Assert.Equal(client.NegotiatedCipherSuite.ToString(), tls.GetProperty("cipher").GetString());
        Assert.Equal("localhost", tls.GetProperty("serverName").GetString());
        Assert.Equal("echo", tls.GetProperty("alpn").GetString());
        var certificate = tls.GetProperty("clientCertificate");
        Assert.Equal(shown.Subject, certificate.GetProperty("subject").GetString());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(shown.RawData)), certificate.GetProperty("fingerprint").GetString());
    }

    [Fact]
    public async Task Behind_a_proxy_it_tells_the_clients_address_and_what_the_header_held()
    {
        await using var host = await StartHostAsync(Endpoint, "Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.0/8");
        using var proxy = await host.ConnectAsync();
        await proxy.SendAsync(ProxyHeaders.V2("203.0.113.7:56324", "198.51.100.2:443", ProxyHeaders.Tlv(0x02, "echo.example"u8.ToArray())));
        using var answer = Parse(await proxy.ReceiveToEndAsync());
        Assert.Equal("203.0.113.7:56324", answer.RootElement.GetProperty("peer").GetString());
        Assert.Equal(proxy.LocalAddress, answer.RootElement.GetProperty("via").GetString());
        Assert.Equal("echo.example", answer.RootElement.GetProperty("proxy").GetProperty("authority").GetString());
    }

    [Fact]
    public async Task Over_a_Unix_socket_it_tells_the_path()
    {
        var path = Path.Combine(_certificate.Folder, "who.sock");
        await using var host = await StartHostAsync($"Echo:Endpoints:Local:Url=unix:{path}", "Echo:Endpoints:Local:Service=Who");
        using var client = await host.ConnectAsync("Local");
        using var answer = Parse(await client.ReceiveToEndAsync());
        Assert.StartsWith("unix:", answer.RootElement.GetProperty("peer").GetString(), StringComparison.Ordinal);
        Assert.Equal(path, answer.RootElement.GetProperty("local").GetString());
        Assert.Equal(JsonValueKind.Null, answer.RootElement.GetProperty("tcp").ValueKind);
    }

    [Fact]
    public async Task A_full_host_rejects_its_clients_too()
    {
        await using var host = await StartHostAsync(Endpoint, "Echo:Endpoints:Echo:Url=tcp://127.0.0.1:0", "Echo:Limits:MaxConnections=1");
        using var holds = await host.ConnectAsync("Echo");
        await holds.SendAsync("x");
        await holds.ReceiveAsync(1);
        await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
    }

    [Fact]
    public async Task The_host_is_ready()
    {
        await using var host = await StartHostAsync(Endpoint);
        await host.UntilReadyAsync();
    }

    private static async Task<byte[]> ToEndAsync(SslStream stream)
    {
        using var all = new MemoryStream();
        await stream.CopyToAsync(all).WaitAsync(Wait.Limit);
        return all.ToArray();
    }

    private static JsonDocument Parse(byte[] line)
    {
        var text = Encoding.UTF8.GetString(line);
        Assert.EndsWith("}\n", text, StringComparison.Ordinal);
        Assert.Equal(text.Length - 1, text.IndexOf('\n', StringComparison.Ordinal));
        return JsonDocument.Parse(text);
    }
}

public sealed class WhoTestsOnEpoll() : WhoTests(Epoll);

public sealed class WhoTestsOnSockets() : WhoTests(Sockets);
