using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using EchoHost.Connections.Tracking;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using static EchoHost.Tests.Infrastructure.TlsClient;

namespace EchoHost.Tests.Connections.Tls;

/// <summary>TLS on real sockets, with certificates made for the test.</summary>
public abstract class TlsTests(string transport) : TransportTests(transport), IDisposable
{
    private readonly TestCertificate _certificate = new();

    private protected TestCertificate Certificate => _certificate;

    public void Dispose() => _certificate.Dispose();

    [Theory]
    [InlineData(SslProtocols.Tls12, "TLSv1.2")]
    [InlineData(SslProtocols.Tls13, "TLSv1.3")]
    public async Task Every_byte_comes_back_encrypted(SslProtocols protocol, string name)
    {
        await using var host = await StartHostAsync([.. _certificate.Settings, "Echo:LogMessages=false"]);
        await using var client = await ConnectAsync(host, protocol);
        var sent = new byte[2_000_000];
        new Random(1).NextBytes(sent);
        var sending = client.WriteAsync(sent).AsTask();
        var received = await ReadAsync(client, sent.Length);
        await sending.WaitAsync(Wait.Limit);
        Bytes.AssertSame(sent, received);
        Assert.Equal(name, (await host.ConnectionAsync()).GetProperty("tls").GetProperty("protocol").GetString());
        Assert.StartsWith("TLS_", (await host.ConnectionAsync()).GetProperty("tls").GetProperty("cipher").GetString(), StringComparison.Ordinal);
        var ready = await host.UntilOkAsync("/health/ready");
        Assert.Contains("2 of 2 endpoints answer", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_text_is_never_echoed()
    {
        await using var host = await StartHostAsync(_certificate.Settings);
        using var client = await host.ConnectAsync("Tls");
        await client.SendAsync("Hello, opencode.space!\r\n");
        byte[] answer;
        try
        {
            answer = await client.ReceiveToEndAsync();
        }
        catch (SocketException e)
        {
            Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
            answer = [];
        }

        // Perhaps a TLS alert, but none of the sent bytes.
        Assert.DoesNotContain("Hello", Encoding.Latin1.GetString(answer), StringComparison.Ordinal);
        await host.UntilMetricsContainAsync("echohost_connections_rejected_total{endpoint=\"Tls\",reason=\"tls\"} 1\n", "the failure is counted");
        await Wait.UntilAsync(
            () => host.Log.Lines.Contains($"Peer {client.LocalAddress} turned away: the TLS handshake failed: the client does not speak TLS"),
            "the failure is told");
        Assert.Empty(host.Problems(Microsoft.Extensions.Logging.LogLevel.Error));
        Assert.DoesNotContain(host.Log.Lines, line => line.EndsWith(" connecting", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_handshake_has_a_limit()
    {
        await using var host = await StartHostAsync([.. _certificate.Settings, "Echo:Limits:TlsHandshakeTimeout=00:00:00.200"]);
        await EchoClient.ExpectTurnedAwayAsync(host.EndPoints["Tls"]);
        await host.UntilMetricsContainAsync("echohost_connections_rejected_total{endpoint=\"Tls\",reason=\"tls\"} 1\n", "the failure is counted");
    }

    [Fact]
    public async Task After_the_peers_close_notify_what_is_left_is_sent()
    {
        await using var host = await StartHostAsync([.. _certificate.Settings, "Echo:LogMessages=false"]);
        await using var client = await ConnectAsync(host);
        var sent = new byte[500_000];
        new Random(2).NextBytes(sent);
        var sending = Task.Run(async () =>
        {
            await client.WriteAsync(sent);
            await client.ShutdownAsync();
        });
        var received = new MemoryStream();
        await client.CopyToAsync(received).WaitAsync(Wait.Limit);
        await sending.WaitAsync(Wait.Limit);
        Bytes.AssertSame(sent, received.ToArray());
    }

    /// <summary>OpenSSL reports an error if the connection ends without close_notify.</summary>
    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task The_host_ends_with_a_close_notify(string version)
    {
        var openssl = Tool.Need("openssl");
        var time = new FakeTimeProvider();
        await using var host = await StartHostAsync(time, [.. _certificate.Settings, "Echo:Limits:IdleTimeout=00:01:00"]);
        var start = new ProcessStartInfo(openssl, ["s_client", "-connect", host.EndPoints["Tls"].ToString()!, version, "-quiet", "-no_ign_eof"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var client = Process.Start(start)!;
        await client.StandardInput.WriteAsync("hello\n");
        await client.StandardInput.FlushAsync();
        var output = client.StandardOutput.ReadToEndAsync();
        var errors = client.StandardError.ReadToEndAsync();
        await host.UntilLoggedAsync(e => e.Text.StartsWith("Received new message", StringComparison.Ordinal), "the message has come");
        // The connection is idle from when the echo is counted, which is a little after the message is logged.
        var connection = Assert.Single(host.Services.GetRequiredService<ConnectionRegistry>().All());
        await Wait.UntilAsync(() => connection.SentBytes == connection.ReceivedBytes, "the echo is counted");
        // The host closes it because of the idle timeout.
        time.Advance(TimeSpan.FromSeconds(58.5));
        await Wait.UntilAsync(
            async () =>
            {
                // In small steps, because the host aborts a close that has not ended by its next pass, a second later.
                time.Advance(TimeSpan.FromSeconds(0.5));
                await Task.WhenAny(client.WaitForExitAsync(), Task.Delay(2000, CancellationToken.None));
                return client.HasExited;
            },
            "the host ends it");
        await client.WaitForExitAsync().WaitAsync(Wait.Limit);
        Assert.Equal("hello\n", await output.WaitAsync(Wait.Limit));
        Assert.DoesNotContain("unexpected eof", await errors.WaitAsync(Wait.Limit), StringComparison.Ordinal);
    }

    /// <summary>Shutting TLS down then fails in OpenSSL, which must not keep the connection in the registry.</summary>
    [Fact]
    public async Task A_renegotiation_is_refused_and_leaves_nothing_behind()
    {
        var openssl = Tool.Need("openssl");
        await using var host = await StartHostAsync(_certificate.Settings);
        using var client = Process.Start(new ProcessStartInfo(openssl, ["s_client", "-connect", host.EndPoints["Tls"].ToString()!, "-tls1_2"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = client.StandardOutput.ReadToEndAsync();
        var errors = client.StandardError.ReadToEndAsync();
        await host.UntilLoggedAsync(e => e.Text.EndsWith(" connecting", StringComparison.Ordinal), "the client is connected");
        await client.StandardInput.WriteAsync("R\n");
        client.StandardInput.Close();
        await host.UntilLoggedAsync(e => e.Text.Contains(" disconnected: error after ", StringComparison.Ordinal), "the end is logged");
        await client.WaitForExitAsync().WaitAsync(Wait.Limit);
        await Task.WhenAll(output, errors).WaitAsync(Wait.Limit);
        Assert.Empty(host.Problems(Microsoft.Extensions.Logging.LogLevel.Error));
        await Wait.UntilAsync(
            async () => (await host.Http.GetStringAsync("/connections")).Contains("\"active\":0,", StringComparison.Ordinal),
            "nothing is left");
    }

    [Fact]
    public async Task A_drain_does_not_wait_for_handshakes()
    {
        await using var host = await StartHostAsync(
            [.. _certificate.Settings, "Echo:Limits:TlsHandshakeTimeout=00:10:00", "Echo:Shutdown:GracePeriod=00:10:00"]);
        using var client = await host.ConnectAsync("Tls");
        byte[] half = [0x16, 0x03];
        await client.SendAsync(half);
        // Once the host has answered another client, whose handshake came later, it has seen this one.
        await using (var other = await ConnectAsync(host))
        {
            await other.WriteAsync("hello"u8.ToArray());
            await ReadAsync(other, 5);
        }

        var stop = host.BeginStop();
        await client.ReceiveEndAsync();
        await stop.WaitAsync(Wait.Limit);
        Assert.Contains($"Peer {client.LocalAddress} turned away: draining", host.Log.Lines);
    }

    [Fact]
    public async Task A_reset_is_told_in_one_line()
    {
        await using var host = await StartHostAsync(_certificate.Settings);
        using var socket = await host.ConnectAsync("Tls");
        var client = await EncryptAsync(socket.Socket, SslProtocols.None, null);
        await client.WriteAsync("hello"u8.ToArray());
        await ReadAsync(client, 5);
        var peer = socket.LocalAddress;
        socket.Reset();
        await Wait.UntilAsync(() => host.Log.Lines.Contains($"Peer {peer} disconnected"), "the end is logged");
        Assert.Contains($"Error with peer {peer}: connection reset by peer", host.Log.Lines);
    }

    [Fact]
    public async Task A_PROXY_header_comes_before_TLS()
    {
        await using var host = await StartHostAsync([.. _certificate.Settings, "Echo:Endpoints:Tls:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.1"]);
        using var socket = await host.ConnectAsync("Tls");
        await socket.SendAsync(ProxyHeaders.V2("203.0.113.7:56324", "198.51.100.2:443"));
        await using var client = await EncryptAsync(socket.Socket, SslProtocols.None, null);
        await client.WriteAsync("hello"u8.ToArray());
        Assert.Equal("hello", Encoding.ASCII.GetString(await ReadAsync(client, 5)));
        Assert.Contains($"Peer 203.0.113.7:56324 connecting (via {socket.LocalAddress})", host.Log.Lines);
    }

    [Fact]
    public async Task A_peer_that_takes_nothing_is_aborted()
    {
        await using var host = await StartHostAsync([.. _certificate.Settings, "Echo:LogMessages=false", "Echo:Limits:WriteTimeout=00:00:01"]);
        await using var client = await ConnectAsync(host);
        await Assert.ThrowsAnyAsync<Exception>(() => client.WriteAsync(new byte[64 * 1024 * 1024]).AsTask().WaitAsync(Wait.Limit));
        await host.UntilLoggedAsync(e => e.Text.Contains(" disconnected: write timeout after ", StringComparison.Ordinal), "the reason is logged");
    }

    [Fact]
    public async Task A_drain_closes_quiet_connections_with_all_they_sent()
    {
        await using var host = await StartHostAsync([.. _certificate.Settings, "Echo:Shutdown:CloseSpread=00:00:00"]);
        await using var client = await ConnectAsync(host);
        await client.WriteAsync("hello"u8.ToArray());
        Assert.Equal("hello", Encoding.ASCII.GetString(await ReadAsync(client, 5)));
        var stop = host.BeginStop();
        Assert.Equal(0, await client.ReadAsync(new byte[1]).AsTask().WaitAsync(Wait.Limit));
        await stop.WaitAsync(Wait.Limit);
        await host.UntilLoggedAsync(
            e => e.Text.EndsWith(" s, 5 bytes", StringComparison.Ordinal) && e.Text.Contains(" disconnected: drain after ", StringComparison.Ordinal),
            "the reason is logged");
    }
}

public sealed class TlsTestsOnEpoll() : TlsTests(TransportTests.Epoll)
{
    /// <summary>With Kestrel's own memory, which <c>Sockets</c> uses, it is read, encrypted and sent in four parts.</summary>
    [Fact]
    public async Task A_full_record_is_one_message()
    {
        const int recordSize = 1 << 14;
        await using var host = await StartHostAsync([.. Certificate.Settings, "Echo:LogMessages=false"]);
        await using var client = await ConnectAsync(host);
        var sent = new SeededBytes(1).Take(recordSize);
        for (var i = 1; i <= 3; i++)
        {
            await client.WriteAsync(sent);
            var received = await ReadAsync(client, recordSize);
            Bytes.AssertSame(sent, received);
            Assert.Equal(i, Assert.Single(host.Services.GetRequiredService<ConnectionRegistry>().All()).Messages);
        }
    }
}

public sealed class TlsTestsOnSockets() : TlsTests(TransportTests.Sockets);
