using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Http;

public class HealthTests
{
    [Theory]
    [InlineData("/health", 3)]
    [InlineData("/health/ready", 3)]
    [InlineData("/health/live", 0)]
    public async Task A_healthy_host_says_so(string path, int checks)
    {
        await using var host = await EchoHostFixture.StartAsync();
        await host.UntilReadyAsync();
        var response = await host.Http.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        var health = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("Healthy", health.GetProperty("status").GetString());
        Assert.Equal(checks, health.GetProperty("checks").EnumerateObject().Count());
        foreach (var check in health.GetProperty("checks").EnumerateObject())
        {
            Assert.Equal("Healthy", check.Value.GetProperty("status").GetString());
            Assert.NotEmpty(check.Value.GetProperty("description").GetString()!);
            Assert.InRange(check.Value.GetProperty("durationMs").GetDouble(), 0, 30_000);
        }
    }

    [Fact]
    public async Task A_dead_listener_is_noticed()
    {
        await using var host = await EchoHostFixture.StartAsync();
        await host.UntilReadyAsync();
        host.KillListener();
        HttpResponseMessage? response = null;
        await Wait.UntilAsync(async () => (response = await host.Http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable, "the host is unready");
        var check = (await response!.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("checks").GetProperty("echo");
        Assert.Equal("Unhealthy", check.GetProperty("status").GetString());
        Assert.StartsWith("1 of 1 endpoints do not echo: Tcp: ", check.GetProperty("description").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/health/live")).StatusCode);
    }

    [Fact]
    public async Task The_hosts_own_probe_is_nobodys_connection()
    {
        // The check's answer holds for a second, which does not pass here.
        await using var host = await EchoHostFixture.StartAsync(new FakeTimeProvider());
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => host.Http.GetAsync("/health/ready")));
        Assert.DoesNotContain(host.Log.Lines, l => l.StartsWith("Peer ", StringComparison.Ordinal) || l.StartsWith("Received ", StringComparison.Ordinal));
        // Kestrel counts a connection at its end, a moment after the answer.
        var series = $"server_port=\"{((IPEndPoint)host.Tcp).Port}\"";
        bool IsProbes(string line) => line.StartsWith("kestrel_connection_duration_seconds_count", StringComparison.Ordinal) && line.Contains(series, StringComparison.Ordinal);
        var metrics = "";
        await Wait.UntilAsync(async () => (metrics = await host.Http.GetStringAsync("/metrics")).Split('\n').Any(IsProbes), "Kestrel has counted a probe");
        Assert.Contains("echohost_connections_accepted_total{endpoint=\"Tcp\"} 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("echohost_messages_total{endpoint=\"Tcp\"} 0\n", metrics, StringComparison.Ordinal);
        // However many ask, one probe a second.
        Assert.Equal("1", metrics.Split('\n').Single(IsProbes).Split(' ')[1]);
    }

    [Fact]
    public async Task The_host_runs_under_the_frameworks_test_factory_with_real_sockets()
    {
        await using var factory = new Factory();
        factory.UseKestrel();
        factory.StartServer();
        var bound = (EchoHost.Transport.BoundEndpoints)factory.Services.GetService(typeof(EchoHost.Transport.BoundEndpoints))!;
        var settings = (EchoHost.Configuration.HostSettings)factory.Services.GetService(typeof(EchoHost.Configuration.HostSettings))!;
        using var client = await EchoClient.ConnectAsync(EchoHost.Transport.BoundEndpoints.Reachable(bound.Of(settings.Endpoints[0]).First()));
        await client.EchoAsync("hello");
        using var http = new HttpClient { BaseAddress = new Uri(bound.HttpUrls.First()), Timeout = Wait.Limit };
        await Wait.UntilAsync(async () => (await http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK, "the host is ready");
    }

    private sealed class Factory : WebApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseSetting("Urls", "http://127.0.0.1:0");
            builder.UseSetting("PORT", "0");
        }
    }
}
