using System.Diagnostics;
using System.Net;
using System.Text;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kestrel.Epoll.Tests;

/// <summary>Kestrel's HTTP on the epoll transport: code that was not written for this transport, and uses all of it.</summary>
public sealed class KestrelHttpTests : IAsyncLifetime
{
    private static readonly SeededBytes Payload = new(14);

    private readonly TestCertificate _certificate = new();
    private readonly List<ListenOptions> _listening = [];
    private EpollTransport _transport = null!;
    private WebApplication _app = null!;
    private int _begun;
    private int _received;

    private string Http1 => $"http://127.0.0.1:{_listening[0].IPEndPoint!.Port}";

    private string Http2 => $"http://127.0.0.1:{_listening[1].IPEndPoint!.Port}";

    private string Https => $"https://127.0.0.1:{_listening[2].IPEndPoint!.Port}";

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseEpoll(epoll => epoll.LoopCount = 2);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            // Else a body that stays away would end its request too.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen => Add(listen, HttpProtocols.Http1));
            kestrel.Listen(IPAddress.Loopback, 0, listen => Add(listen, HttpProtocols.Http2));
            kestrel.Listen(IPAddress.Loopback, 0, listen => Add(listen, HttpProtocols.Http1AndHttp2).UseHttps(_certificate.Certificate));
        });
        _app = builder.Build();
        _transport = _app.Services.GetRequiredService<EpollTransport>();
        _app.MapGet("/hello", (HttpContext context) => $"{context.Request.Protocol} {context.Connection.RemoteIpAddress}");
        _app.MapPost("/echo", async context =>
        {
            // Read the whole body first: the client reads no response before it has sent its request.
            var body = new MemoryStream();
            Interlocked.Increment(ref _begun);
            try
            {
                await context.Request.Body.CopyToAsync(body);
            }
            finally
            {
                Interlocked.Increment(ref _received);
            }

            await context.Response.Body.WriteAsync(body.ToArray());
        });
        await _app.StartAsync().WaitAsync(Wait.Limit);

        ListenOptions Add(ListenOptions listen, HttpProtocols protocols)
        {
            listen.Protocols = protocols;
            _listening.Add(listen);
            return listen;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync().WaitAsync(Wait.Limit);
            await Wait.UntilAsync(() => _transport.BlocksInUse == 0, "nothing holds memory of the transport");
            await _app.DisposeAsync();
        }

        _certificate.Dispose();
    }

    [Fact]
    public async Task HTTP_1_1_keeps_connections_alive()
    {
        using var client = Client(HttpVersion.Version11);
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal("HTTP/1.1 127.0.0.1", await client.GetStringAsync($"{Http1}/hello"));
        }
    }

    [Theory]
    [InlineData("http", "1.1")]
    [InlineData("http", "2.0")]
    [InlineData("https", "1.1")]
    [InlineData("https", "2.0")]
    public async Task A_body_of_unknown_length_comes_back(string scheme, string version)
    {
        using var client = Client(Version.Parse(version));
        var body = Payload.Take(1024 * 1024);
        var target = scheme == "https" ? Https : version == "2.0" ? Http2 : Http1;
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{target}/echo")
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Headers.TransferEncodingChunked = version == "1.1";
        using var response = await client.SendAsync(request);
        Assert.Equal(Version.Parse(version), response.Version);
        var received = await response.Content.ReadAsByteArrayAsync();
        Bytes.AssertSame(body, received);
    }

    [Fact]
    public async Task Requests_in_one_packet_are_answered_in_order()
    {
        using var client = await EchoClient.ConnectAsync(_listening[0].IPEndPoint!);
        const int requests = 50;
        var text = new StringBuilder();
        for (var i = 0; i < requests; i++)
        {
            var body = $"request {i}";
            var end = i == requests - 1 ? "Connection: close\r\n" : "";
            text.Append($"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {body.Length}\r\n{end}\r\n{body}");
        }

        await client.SendAsync(text.ToString());
        var answers = Encoding.ASCII.GetString(await client.ReceiveToEndAsync());
        var at = -1;
        for (var i = 0; i < requests; i++)
        {
            var next = answers.IndexOf($"request {i}", at + 1, StringComparison.Ordinal);
            Assert.True(next > at, $"answer {i} is missing or early: {answers}");
            at = next;
        }
    }

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task HTTP_2_answers_many_requests_at_once(string scheme)
    {
        using var client = Client(HttpVersion.Version20);
        var target = scheme == "https" ? Https : Http2;
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            var body = Payload.Take(10_000, i);
            using var response = await client.PostAsync($"{target}/echo", new ByteArrayContent(body));
            Assert.Equal(HttpVersion.Version20, response.Version);
            var received = await response.Content.ReadAsByteArrayAsync();
            Bytes.AssertSame(body, received);
        }));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task HTTPS_is_answered(string version)
    {
        using var client = Client(Version.Parse(version));
        Assert.Equal($"HTTP/{(version == "2.0" ? "2" : version)} 127.0.0.1", await client.GetStringAsync($"{Https}/hello"));
    }

    [Theory]
    [InlineData("--http1.1")]
    [InlineData("--http2")]
    public async Task Curl_is_answered(string version)
    {
        var curl = Tool.Need("curl");
        string[] arguments = ["--silent", "--show-error", "--max-time", "100", "--noproxy", "*", "--insecure", version, $"{Https}/hello", $"{Https}/hello"];
        using var process = Process.Start(new ProcessStartInfo(curl, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Wait.Limit);
        Assert.Equal("", await errors);
        var line = version == "--http2" ? "HTTP/2 127.0.0.1" : "HTTP/1.1 127.0.0.1";
        Assert.Equal(line + line, await output);
    }

    [Fact]
    public async Task A_client_that_goes_away_aborts_the_request_and_no_other()
    {
        for (var i = 0; i < 20; i++)
        {
            using var client = await EchoClient.ConnectAsync(_listening[0].IPEndPoint!);
            await client.SendAsync("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nonly the beginning");
            await Wait.UntilAsync(() => Volatile.Read(ref _begun) == i + 1, "the request has begun");
            client.Reset();
            await Wait.UntilAsync(() => Volatile.Read(ref _received) == i + 1, "it is aborted");
        }

        using var other = Client(HttpVersion.Version11);
        Assert.Equal("HTTP/1.1 127.0.0.1", await other.GetStringAsync($"{Http1}/hello"));
    }

    private static HttpClient Client(Version version)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
#pragma warning disable CA5359 // Made for the test.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        return new HttpClient(handler) { DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = Wait.Limit };
    }
}
