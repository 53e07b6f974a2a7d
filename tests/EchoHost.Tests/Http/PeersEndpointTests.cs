using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using EchoHost.Peers;
using EchoHost.Tests.Infrastructure;
using EchoHost.Tests.Peers.Mesh;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EchoHost.Tests.Http;

public partial class PeersEndpointTests
{
    private const string Token = "correct-horse-battery";
    private const int MaxBytes = 1024 * 1024;

    [Fact]
    public async Task Without_peers_the_list_is_empty()
    {
        await using var host = await EchoHostFixture.StartAsync("Instance:Name=echo-1", "Instance:Labels:zone=a");
        Assert.Equal("""{"instance":"echo-1","labels":{"zone":"a"},"peers":[]}""", await host.Http.GetStringAsync("/peers"));
        Assert.DoesNotContain("echohost_peer", await host.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_not_probed_yet_is_listed_with_nothing_known()
    {
        await using var silent = StubPeer.IsSilent();
        await using var host = await EchoHostFixture.StartAsync(
            "Instance:Name=echo-1", "Peers:Timeout=00:10:00", $"Peers:Targets:0=tls://{silent.Name}");
        Assert.Equal(
            $$$"""{"instance":"echo-1","labels":{},"peers":[{"name":"{{{silent.Name}}}","source":"Targets","tls":true,"up":false,"state":"unknown","since":null,"lastResult":null,"lastError":null,"lastProbe":null,"probes":0,"lost":0,"lossPercent":0,"rttMilliseconds":{"last":null,"p50":null,"p90":null,"p99":null,"p99.9":null}}]}""",
            await host.Http.GetStringAsync("/peers"));
        Assert.DoesNotContain("echohost_peer_up{", await host.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_that_was_probed_is_listed_with_what_came_of_it()
    {
        await using StubPeer good = StubPeer.Echoes(), full = StubPeer.TurnsAway();
        await using var host = await EchoHostFixture.StartAsync(["Instance:Name=echo-1", "Peers:Interval=01:00:00", .. MeshHost.Targets(good.Name, full.Name)]);
        var before = DateTime.UtcNow;
        await host.UntilStateAsync(good.Name, "up");
        await host.UntilStateAsync(full.Name, "turnsAway");
        var response = await host.Http.GetAsync("/peers");
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        var text = await response.Content.ReadAsStringAsync();
        var masked = Ages().Replace(Numbers().Replace(text, "$1#"), "after #;");
        var rtt = """{"last":#,"p50":#,"p90":#,"p99":#,"p99.9":#}""";
        string[] lines =
        [
            $$"""{"name":"{{good.Name}}","source":"Targets","tls":false,"up":true,"state":"up","since":#,"lastResult":"ok","lastError":null,"lastProbe":#,"probes":1,"lost":0,"lossPercent":0,"rttMilliseconds":{{rtt}}}""",
            $$$"""{"name":"{{{full.Name}}}","source":"Targets","tls":false,"up":false,"state":"turnsAway","since":#,"lastResult":"reset","lastError":"reset by the peer before a byte came back, after #; perhaps it turns connections away, as when it drains or is full","lastProbe":#,"probes":1,"lost":1,"lossPercent":100,"rttMilliseconds":{"last":null,"p50":null,"p90":null,"p99":null,"p99.9":null}}""",
        ];
        Assert.Equal($$"""{"instance":"echo-1","labels":{},"peers":[{{string.Join(',', lines.Order(StringComparer.Ordinal))}}]}""", masked);

        var peer = (await host.PeersAsync())[good.Name];
        Assert.EndsWith("Z", peer.GetProperty("lastProbe").GetString(), StringComparison.Ordinal);
        Assert.InRange(peer.GetProperty("lastProbe").GetDateTime(), before.AddMinutes(-1), DateTime.UtcNow);
        Assert.InRange(peer.GetProperty("rttMilliseconds").GetProperty("p99.9").GetDouble(), 0.001, Wait.Limit.TotalMilliseconds);
    }

    [Fact]
    public async Task HEAD_answers_without_a_body()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Head, "/peers");
        var response = await host.Http.SendAsync(request);
        Assert.Equal((HttpStatusCode.OK, "application/json; charset=utf-8"), (response.StatusCode, response.Content.Headers.ContentType?.ToString()));
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await host.Http.PostAsync("/peers", null)).StatusCode);
    }

    [Fact]
    public async Task A_message_comes_back()
    {
        await using var echo = StubPeer.Echoes();
        await using var host = await EchoHostFixture.StartAsync($"Admin:Token={Token}", $"Peers:Targets:0={echo.Name}");
        const string message = "Hällo, \"opencode.space\"!\r\n\0\u2028 😀";
        var response = await PostAsync(host, echo.Name, Encoding.UTF8.GetBytes(message));
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(["peer", "echo", "identical", "rttMilliseconds"], answer.EnumerateObject().Select(p => p.Name));
        Assert.Equal(
            (HttpStatusCode.OK, echo.Name, message, true),
            (
                response.StatusCode,
                answer.GetProperty("peer").GetString(),
                answer.GetProperty("echo").GetString(),
                answer.GetProperty("identical").GetBoolean()));
        Assert.InRange(answer.GetProperty("rttMilliseconds").GetDouble(), 0.001, Wait.Limit.TotalMilliseconds);
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync(host, "127.0.0.1:1", "hello"u8.ToArray())).StatusCode);
        Assert.Contains(
            "no peer is called '127.0.0.1:1'",
            await (await PostAsync(host, "127.0.0.1:1", "hello"u8.ToArray())).Content.ReadAsStringAsync(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_token_configured_no_message_is_sent()
    {
        await using var echo = StubPeer.Echoes();
        await using var host = await EchoHostFixture.StartAsync($"Peers:Targets:0={echo.Name}");
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync(host, echo.Name, "hello"u8.ToArray())).StatusCode);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer wrong")]
    [InlineData("Basic " + Token)]
    public async Task Without_the_token_no_message_is_sent(string? authorization)
    {
        await using var silent = StubPeer.IsSilent();
        await using var host = await EchoHostFixture.StartAsync($"Admin:Token={Token}", $"Peers:Targets:0={silent.Name}", "Peers:Timeout=00:10:00");
        await Wait.UntilAsync(() => silent.Accepted == 1, "the mesh's own probe");
        foreach (var name in new[] { silent.Name, "127.0.0.1:1" })
        {
            var response = await PostAsync(host, name, "hello"u8.ToArray(), authorization);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
        }

        Assert.Equal(1, silent.Accepted);
    }

    [Fact]
    public async Task A_body_that_is_no_text_is_refused()
    {
        await using var echo = StubPeer.Echoes();
        await using var host = await EchoHostFixture.StartAsync($"Admin:Token={Token}", $"Peers:Targets:0={echo.Name}");
        async Task ExpectAsync(HttpStatusCode status, string detail, byte[] body)
        {
            var response = await PostAsync(host, echo.Name, body);
            Assert.Equal((status, detail), (response.StatusCode, Ages().Replace(await DetailAsync(response) ?? "", "after #;")));
        }

        await ExpectAsync(HttpStatusCode.BadRequest, "the body is empty; there is nothing to send", []);
        await ExpectAsync(HttpStatusCode.BadRequest, "the body is not UTF-8 text", [0x68, 0xff, 0x69]);
        await ExpectAsync(HttpStatusCode.BadRequest, "the body is not UTF-8 text", [0xed, 0xa0, 0x80]);
        await ExpectAsync(HttpStatusCode.RequestEntityTooLarge, $"the body has more than {MaxBytes} bytes", new byte[MaxBytes + 1]);
    }

    [Fact]
    public async Task A_mebibyte_passes_however_it_is_sent_and_a_byte_more_does_not()
    {
        await using var echo = StubPeer.Echoes();
        await using var host = await EchoHostFixture.StartAsync($"Admin:Token={Token}", $"Peers:Targets:0={echo.Name}", "Peers:Timeout=00:01:00");
        var body = Enumerable.Repeat((byte)'x', MaxBytes + 1).ToArray();
        // With chunked encoding, the framing counts too.
        foreach (var (length, chunked) in new[] { (MaxBytes, false), (MaxBytes - 1024, true) })
        {
            var response = await PostAsync(host, echo.Name, body[..length], chunked: chunked);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(length, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("echo").GetString()!.Length);
        }

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await PostAsync(host, echo.Name, body, chunked: true)).StatusCode);
    }

    [Fact]
    public async Task What_does_not_come_back_is_told_with_the_reason()
    {
        await using StubPeer liar = StubPeer.Lies(), silent = StubPeer.IsSilent(), full = StubPeer.TurnsAway(), closer = StubPeer.Closes();
        using var refusing = new HeldPort();
        await using var host = await EchoHostFixture.StartAsync(
            [$"Admin:Token={Token}", .. MeshHost.Targets(liar.Name, full.Name, closer.Name, refusing.Name)]);
        foreach (var (name, detail) in new[]
        {
            (liar.Name, "mismatch: byte 1 of 5 came back different: \"LIES\""),
            (full.Name, "reset: reset by the peer before a byte came back, after #; perhaps it turns connections away, as when it drains or is full"),
            (closer.Name, "closed: closed by the peer before a byte came back, after #; perhaps it turns connections away, as when it drains or is full"),
            (refusing.Name, "refused: Connection refused"),
        })
        {
            var response = await PostAsync(host, name, "hello"u8.ToArray());
            Assert.Equal((HttpStatusCode.BadGateway, detail), (response.StatusCode, Ages().Replace(await DetailAsync(response) ?? "", "after #;")));
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        }

        // Repeat until no pause of the machine makes it a timeout of another phase.
        await using var impatient = await EchoHostFixture.StartAsync([$"Admin:Token={Token}", "Peers:Timeout=00:00:00.500", .. MeshHost.Targets(silent.Name)]);
        await Wait.UntilAsync(
            async () =>
            {
                var response = await PostAsync(impatient, silent.Name, "hello"u8.ToArray());
                Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
                return await DetailAsync(response) == "timeout: connected, 0 of 5 bytes came back within 500 ms";
            },
            "the timeout is told");
    }

    [Theory]
    [InlineData("[::1]:{0}")]
    [InlineData("%5B::1%5D:{0}")]
    [InlineData("%5B%3A%3A1%5D%3A{0}")]
    public async Task A_name_with_brackets_stands_in_the_path(string path)
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6, "this machine has no IPv6");
        await using var other = await EchoHostFixture.StartAsync("Echo:Endpoints:Tcp:Url=tcp://[::1]:0");
        var port = ((IPEndPoint)other.Tcp).Port;
        await using var host = await EchoHostFixture.StartAsync($"Admin:Token={Token}", $"Peers:Targets:0=[::1]:{port}");
        var response = await PostAsync(host, string.Format(System.Globalization.CultureInfo.InvariantCulture, path, port), "hello"u8.ToArray());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal($"[::1]:{port}", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("peer").GetString());
    }

    [Fact]
    public async Task A_peer_behind_tls_is_called_with_the_scheme_or_without()
    {
        using var certificate = new TestCertificate();
        await using var other = await EchoHostFixture.StartAsync(certificate.Settings);
        var name = $"localhost:{((IPEndPoint)other.EndPoints["Tls"]).Port}";
        string[] settings = [$"Admin:Token={Token}", $"Peers:Targets:0=tls://{name}"];

        // No trusted authority has signed the certificate.
        await using (var strict = await EchoHostFixture.StartAsync(settings))
        {
            var response = await PostAsync(strict, Uri.EscapeDataString($"tls://{name}"), "hello"u8.ToArray());
            Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
            Assert.StartsWith("tls: ", await DetailAsync(response), StringComparison.Ordinal);
        }

        await using var host = await EchoHostFixture.StartAsync(
            services => services.AddSingleton(provider => new PeerClient(
                provider.GetRequiredService<IConnectionFactory>(),
                provider.GetRequiredService<INameResolver>(),
                new PeerLink(Tls: new PeerTls(Authorities: [certificate.Certificate])),
                TimeProvider.System)),
            settings);
        foreach (var path in new[] { name, Uri.EscapeDataString(name), Uri.EscapeDataString($"tls://{name}"), $"TLS:%2f%2F{name.ToUpperInvariant()}" })
        {
            var response = await PostAsync(host, path, "hello"u8.ToArray());
            Assert.Equal((HttpStatusCode.OK, path), (response.StatusCode, path));
            Assert.Equal(name, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("peer").GetString());
        }

        await host.UntilStateAsync(name, "up");
        Assert.True((await host.PeersAsync())[name].GetProperty("tls").GetBoolean());
    }

    [Fact]
    public async Task A_caller_that_hangs_up_leaves_no_error()
    {
        await using var silent = StubPeer.IsSilent();
        await using var host = await EchoHostFixture.StartAsync($"Admin:Token={Token}", $"Peers:Targets:0={silent.Name}", "Peers:Timeout=00:10:00");
        using var hangUp = new CancellationTokenSource();
        var call = PostAsync(host, silent.Name, "hello"u8.ToArray(), stop: hangUp.Token);
        await Wait.UntilAsync(() => silent.Accepted == 2, "the message is on its way");
        await hangUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await Wait.UntilAsync(() => silent.Ended == 1, "the connection to the peer is given up");
        await host.BeginStop().WaitAsync(Wait.Limit);
        Assert.Empty(host.Problems(LogLevel.Warning));
    }

    private static async Task<HttpResponseMessage> PostAsync(
        EchoHostFixture host,
        string name,
        byte[] body,
        string? authorization = $"Bearer {Token}",
        bool chunked = false,
        CancellationToken stop = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/peers/{name}/messages") { Content = new ByteArrayContent(body) };
        request.Headers.TransferEncodingChunked = chunked;
        // A body that is too long is rejected before it is sent; otherwise the connection may break before the response is read.
        request.Headers.ExpectContinue = true;
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("text/plain");
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return await host.Http.SendAsync(request, stop);
    }

    private static async Task<string?> DetailAsync(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString();

    [GeneratedRegex("""("(?:last|p50|p90|p99|p99.9|lastProbe|since)":)(?:\d[^,}]*|"[^"]*Z")""")]
    private static partial Regex Numbers();

    [GeneratedRegex("after [0-9.]+ m?s;")]
    private static partial Regex Ages();
}
