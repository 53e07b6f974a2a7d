using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using EchoHost.Endpoints;
using EchoHost.Http;
using EchoHost.Lifetime;
using EchoHost.Peers;
using EchoHost.Tests.Infrastructure;
using EchoHost.Tests.Peers.Mesh;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
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
        var response = await host.UntilOkAsync(path);
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
        await Wait.UntilAsync(
            async () => (response = await host.Http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable,
            "the host is unready");
        var check = (await response!.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("checks").GetProperty("echo");
        Assert.Equal("Unhealthy", check.GetProperty("status").GetString());
        Assert.StartsWith("1 of 1 endpoints do not answer: Tcp: ", check.GetProperty("description").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/health/live")).StatusCode);
    }

    [Fact]
    public async Task The_hosts_own_probe_belongs_to_no_client()
    {
        // The check's result is reused for a second, and no time passes here.
        await using var host = await EchoHostFixture.StartAsync(new FakeTimeProvider());
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => host.Http.GetAsync("/health/ready")));
        Assert.DoesNotContain(host.Log.Lines, l => l.StartsWith("Peer ", StringComparison.Ordinal) || l.StartsWith("Received ", StringComparison.Ordinal));
        var metrics = await UntilProbedAsync(host, 1);
        Assert.Contains("echohost_connections_accepted_total{endpoint=\"Tcp\"} 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("echohost_messages_total{endpoint=\"Tcp\"} 0\n", metrics, StringComparison.Ordinal);
        // There is one probe a second, however many clients ask: the next connection that Kestrel counts is a client's.
        using (var client = await host.ConnectAsync())
        {
            await client.EchoAsync("hello");
        }

        await UntilProbedAsync(host, 2);
    }

    /// <summary>First calls in a process take long, so the host probes itself before others do.</summary>
    [Fact]
    public async Task The_first_probe_is_made_by_the_host_itself_once_it_has_started()
    {
        // With a test clock, the fixture would ask for it.
        await using var host = await EchoHostFixture.StartAsync();
        await UntilProbedAsync(host, 1);
    }

    /// <summary>
    /// Clients that give up, such as probes with a short limit, must not make the host probe itself again and again.
    /// </summary>
    [Fact]
    public async Task A_probe_whose_callers_leave_goes_on_and_is_kept()
    {
        var time = new FakeTimeProvider();
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var host = await EchoHostFixture.StartAsync(time);
        // The check probes this listener as if it were the host's endpoint: the kernel accepts, and the test decides when
        // to answer.
        var endpoints = host.Services.GetRequiredService<ListenEndpoints>();
        var bound = new BoundEndpoints();
        new KestrelServerOptions().Listen((IPEndPoint)silent.LocalEndpoint, listen => bound.Add(endpoints.Raw[0], listen));
        var check = new EchoHealthCheck(
            endpoints, bound, host.Services.GetRequiredKeyedService<PeerClient>(EchoHealthCheck.OwnClient), host.Services.GetRequiredService<DrainState>(),
            host.Services.GetRequiredService<IHostApplicationLifetime>(), time, NullLogger<EchoHealthCheck>.Instance);
        for (var i = 0; i < 5; i++)
        {
            using var leaves = new CancellationTokenSource();
            var asking = check.CheckHealthAsync(new HealthCheckContext(), leaves.Token);
            await leaves.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        }

        var stays = check.CheckHealthAsync(new HealthCheckContext());
        using (var probe = await silent.AcceptSocketAsync().WaitAsync(Wait.Limit))
        {
            var message = new byte[16];
            await new NetworkStream(probe).ReadExactlyAsync(message).AsTask().WaitAsync(Wait.Limit);
            await probe.SendAsync(message).WaitAsync(Wait.Limit);
        }

        Assert.Equal(HealthStatus.Healthy, (await stays.WaitAsync(Wait.Limit)).Status);
        Assert.Equal(HealthStatus.Healthy, (await check.CheckHealthAsync(new HealthCheckContext()).WaitAsync(Wait.Limit)).Status);
        Assert.False(silent.Pending(), "another probe was made");
    }

    /// <summary>The kernel accepts but no answer comes, or a wrong one; or nothing listens.</summary>
    [Theory]
    [InlineData("silent", "Tcp: connected, 0 of 16 bytes came back within 2 s")]
    [InlineData("liar", "Tcp: byte 1 of 16 came back different")]
    [InlineData("refusing", "Tcp: Connection refused")]
    public async Task What_is_wrong_with_an_endpoint_is_said_in_the_words_of_the_client(string what, string problem)
    {
        var time = new FakeTimeProvider();
        await using StubPeer silent = StubPeer.IsSilent(), liar = StubPeer.Lies();
        using var refusing = new HeldPort();
        await using var host = await EchoHostFixture.StartAsync(time);
        var bound = new BoundEndpoints();
        var address = what == "silent" ? silent.Address : what == "liar" ? liar.Address : IPEndPoint.Parse(refusing.Name);
        new KestrelServerOptions().Listen(address, listen => bound.Add(host.Services.GetRequiredService<ListenEndpoints>().Raw[0], listen));
        var checking = ActivatorUtilities.CreateInstance<EchoHealthCheck>(host.Services, bound).CheckHealthAsync(new HealthCheckContext());
        if (what == "silent")
        {
            await Wait.UntilAsync(() => silent.Received == 1, "the message is sent");
            time.Advance(TimeSpan.FromSeconds(2));
        }

        var result = await checking.WaitAsync(Wait.Limit);
        Assert.Equal((HealthStatus.Unhealthy, $"1 of 1 endpoints do not answer: {problem}"), (result.Status, result.Description));
    }

    [Fact]
    public async Task The_host_runs_under_the_frameworks_test_factory_with_real_sockets()
    {
        await using var factory = new Factory();
        factory.UseKestrel();
        factory.StartServer();
        var bound = (BoundEndpoints)factory.Services.GetService(typeof(BoundEndpoints))!;
        var endpoints = (ListenEndpoints)factory.Services.GetService(typeof(ListenEndpoints))!;
        using var client = await EchoClient.ConnectAsync(BoundEndpoints.Reachable(bound.Of(endpoints.Raw[0]).First()));
        await client.EchoAsync("hello");
        using var http = new HttpClient { BaseAddress = new Uri(bound.HttpUrls.First()), Timeout = Wait.Limit };
        await Wait.UntilAsync(async () => (await http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK, "the host is ready");
    }

    /// <summary>
    /// Waits until Kestrel has counted this many connections to the echo endpoint, which it does when they end; returns the
    /// metrics.
    /// </summary>
    private static async Task<string> UntilProbedAsync(EchoHostFixture host, int connections)
    {
        var series = $"server_port=\"{((IPEndPoint)host.Tcp).Port}\"";
        bool IsCount(string line) =>
            line.StartsWith("kestrel_connection_duration_seconds_count", StringComparison.Ordinal) && line.Contains(series, StringComparison.Ordinal);
        string metrics = "", count = "";
        await Wait.UntilAsync(
            async () =>
            {
                metrics = await host.MetricsAsync();
                count = metrics.Split('\n').SingleOrDefault(IsCount, " 0").Split(' ')[^1];
                return int.Parse(count, CultureInfo.InvariantCulture) >= connections;
            },
            $"Kestrel has counted {connections} connections");
        Assert.Equal($"{connections}", count);
        return metrics;
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
