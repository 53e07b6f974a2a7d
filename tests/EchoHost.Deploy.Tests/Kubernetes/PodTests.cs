using System.Net;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Text.Json;
using System.Text.RegularExpressions;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Deploy.Tests.Kubernetes;

/// <summary>The program with exactly the environment that a manifest gives it.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public partial class PodTests
{
    [Theory]
    [InlineData("base")]
    [InlineData("overlays/mesh")]
    public async Task A_host_echoes_is_ready_and_drains(string folder)
    {
        // A busy machine may not do in five seconds what is done here in the readiness delay.
        using var host = await StartAsync((await Manifest.ReadAsync(folder)).Template, ("Echo__Shutdown__ReadinessDelay", "20s"));
        using var client = await EchoClient.ConnectAsync(host.Tcp);
        await client.EchoAsync("Hello");
        await AssertReadyAsync(host);

        // In the readiness delay it is unready, and serves on.
        host.Process.Signal(PosixSignal.SIGTERM);
        await Wait.UntilAsync(async () => (await host.Http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable, "the host is unready");
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/health/live")).StatusCode);
        await client.EchoAsync("goes on");
        using (var late = await EchoClient.ConnectAsync(host.Tcp))
        {
            await late.EchoAsync("is let in");
        }

        // Then the quiet connection ends, and the process with it.
        Assert.Empty(await client.ReceiveToEndAsync());
        Assert.Equal(0, await host.Process.WaitForExitAsync());
    }

    /// <summary>
    /// The readiness delay of this overlay lasts minutes, so a second signal ends the drain. The balancer is this machine, as
    /// the overlay asks for its network to be changed.
    /// </summary>
    [Fact]
    public async Task Behind_nlb_a_host_takes_headers_on_tcp_and_tls_and_keeps_serving_while_it_drains()
    {
        var template = (await Manifest.ReadAsync("overlays/nlb")).Template;
        using var tls = new HeldPort();
        using var host = await StartAsync(
            template,
            ("Echo__TrustedProxies__0", "127.0.0.0/8"),
            ("Echo__Endpoints__Tls__Url", $"tls://{tls.Name}"));
        await AssertReadyAsync(host);

        using var client = await EchoClient.ConnectAsync(host.Tcp);
        await client.SendAsync(ProxyHeaders.V2("203.0.113.7:56324", "192.0.2.1:5555"));
        await client.EchoAsync("Hello");

        using var passed = await EchoClient.ConnectAsync(IPEndPoint.Parse(tls.Name));
        await passed.SendAsync(ProxyHeaders.V2("203.0.113.8:56324", "192.0.2.1:5556"));
        using var encrypted = await TlsClient.EncryptAsync(passed.Socket, SslProtocols.None, null);
        await encrypted.WriteAsync("inside"u8.ToArray());
        Assert.Equal("inside"u8.ToArray(), await TlsClient.ReadAsync(encrypted, 6));

        var connections = (await host.Http.GetFromJsonAsync<JsonElement>("/connections")).GetProperty("connections").EnumerateArray();
        Assert.Equal(["203.0.113.7:56324", "203.0.113.8:56324"], connections.Select(c => c.GetProperty("peer").GetString()!).Order());

        // Health checks come with a LOCAL header, even where they are HTTP.
        using (var check = await EchoClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, host.Http.BaseAddress!.Port)))
        {
            await check.SendAsync(ProxyHeaders.V2(ProxyHeaders.Local, 0x00));
            await check.SendAsync("GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 200", System.Text.Encoding.ASCII.GetString(await check.ReceiveToEndAsync()), StringComparison.Ordinal);
        }

        host.Process.Signal(PosixSignal.SIGTERM);
        await Wait.UntilAsync(async () => (await host.Http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable, "the host is unready");
        await client.EchoAsync("goes on");
        var exit = host.Process.WaitForExitAsync();
        while (!exit.IsCompleted)
        {
            // One that comes too soon after the first counts as the same.
            host.Process.Signal(PosixSignal.SIGTERM);
            await Task.WhenAny(exit, Task.Delay(TimeSpan.FromMilliseconds(500)));
        }

        Assert.Equal(0, await exit);
    }

    /// <summary>Starts the program. Only ports are replaced, so that tests can run side by side, and what a test names.</summary>
    private static async Task<RunningPod> StartAsync(k8s.Models.V1PodTemplateSpec template, params (string Name, string Value)[] replaced)
    {
        var environment = Pod.Environment(template);
        environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        environment["PORT"] = "0";
        foreach (var (name, value) in replaced)
        {
            Assert.True(environment.ContainsKey(name), $"the manifest sets no {name}");
            environment[name] = value;
        }

        var process = EchoHostProcess.Start([], [.. environment.Select(variable => (variable.Key, variable.Value))]);
        try
        {
            // Logs are JSON in the image.
            await Wait.UntilAsync(() => process.Errors.Any() || process.Output.Any(line => HttpLine().IsMatch(line)), "the host says where it serves HTTP");
            Assert.Empty(process.Errors);
            var tcp = process.Output.Single(line => line.Contains("\"Endpoint\":\"Tcp\"", StringComparison.Ordinal) && TcpLine().IsMatch(line));
            var http = process.Output.Select(line => HttpLine().Match(line)).First(match => match.Success).Groups[1].Value;
            return new RunningPod(process, int.Parse(TcpLine().Match(tcp).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), new Uri(http));
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    private static Task AssertReadyAsync(RunningPod host) =>
        Wait.UntilAsync(async () => (await host.Http.GetAsync("/health/ready")).IsSuccessStatusCode, "the host is ready");

    [GeneratedRegex(@"Listening for connections on port (\d+)")]
    private static partial Regex TcpLine();

    [GeneratedRegex(@"are served on (http://[^"",\s]+)")]
    private static partial Regex HttpLine();

    private sealed class RunningPod(EchoHostProcess process, int port, Uri http) : IDisposable
    {
        public EchoHostProcess Process => process;

        public IPEndPoint Tcp => new(IPAddress.Loopback, port);

        public HttpClient Http { get; } = new() { BaseAddress = http, Timeout = Wait.Limit };

        public void Dispose()
        {
            Http.Dispose();
            process.Dispose();
        }
    }
}
