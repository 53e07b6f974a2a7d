using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using EchoHost.Connections.Tracking;
using EchoHost.Lifetime;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Drain;

/// <summary>The drain with a test clock: busy and quiet do not depend on the machine.</summary>
public abstract class DrainTests(string transport) : TransportTests(transport)
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task During_the_readiness_delay_the_host_is_unready_and_still_serves()
    {
        await using var host = await StartHostAsync(_time, "Echo:Shutdown:ReadinessDelay=00:00:10");
        await host.UntilReadyAsync();
        var stop = host.BeginStop();
        await Wait.UntilAsync(async () => (await host.Http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable, "the host is unready");
        using var late = await host.ConnectAsync();
        await late.EchoAsync("still welcome");
        _time.Advance(TimeSpan.FromSeconds(9));
        await late.EchoAsync("still served");
        Assert.False(stop.IsCompleted);
        late.Dispose();
        await _time.PassUntilAsync(Step, () => stop.IsCompleted, "the host stops");
        await stop;
    }

    [Fact]
    public async Task Quiet_connections_are_closed_busy_ones_go_on_and_new_ones_are_turned_away()
    {
        await using var host = await StartHostAsync(
            _time,
            "Echo:LogMessages=false",
            "Echo:Shutdown:GracePeriod=00:10:00",
            "Echo:Shutdown:CloseSpread=00:00:00.200");
        using var quiet = await host.ConnectAsync();
        using var busy = await host.ConnectAsync();
        await quiet.EchoAsync("now silent");
        // A connection that only the kernel has accepted would be rejected, so wait for an echo.
        await busy.EchoAsync("busy");
        var stop = host.BeginStop();
        var quietEnd = quiet.ReceiveToEndAsync();
        while (!quietEnd.IsCompleted)
        {
            await busy.EchoAsync("busy");
            _time.Advance(Step);
            await Task.Delay(5, CancellationToken.None);
        }

        // A FIN, not a reset: no data on its way is lost.
        Assert.Empty(await quietEnd);
        // It counts until its client has closed its side too.
        quiet.Dispose();
        await busy.EchoAsync("and on");
        await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await host.Http.GetAsync("/health/ready")).StatusCode);
        Assert.Equal("draining", (await host.Http.GetFromJsonAsync<JsonElement>("/connections")).GetProperty("state").GetString());
        await busy.EchoAsync("still");
        var metrics = "";
        await Wait.UntilAsync(
            async () =>
            {
                metrics = await host.MetricsAsync();
                return metrics.Contains(
                    "echohost_connection_duration_seconds_count{endpoint=\"Tcp\",reason=\"drained\"} 1\n",
                    StringComparison.Ordinal);
            },
            "the end is counted");
        Assert.Contains("echohost_connections_rejected_total{endpoint=\"Tcp\",reason=\"draining\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.False(stop.IsCompleted);

        // The busy connection becomes quiet, and is closed.
        var busyEnd = busy.ReceiveToEndAsync();
        await _time.PassUntilAsync(Step, () => busyEnd.IsCompleted, "the busy one is closed too");
        Assert.Empty(await busyEnd);
        await _time.PassUntilAsync(Step, () => stop.IsCompleted, "the host stops");
        await stop;
    }

    [Fact]
    public async Task At_the_end_of_the_grace_period_busy_ones_get_what_they_sent_and_stuck_ones_are_aborted()
    {
        await using var host = await StartHostAsync(
            _time,
            "Echo:LogMessages=false",
            "Echo:Shutdown:GracePeriod=00:00:10",
            "Echo:Shutdown:CloseSpread=00:00:00");
        using var stuck = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        var stuckSending = Assert.ThrowsAnyAsync<SocketException>(() => stuck.SendAsync(new byte[64 * 1024 * 1024]));
        await host.UntilStuckAsync(stuck);
        using var busy = await host.ConnectAsync();
        await busy.EchoAsync("before");
        var stop = host.BeginStop();
        try
        {
            while (true)
            {
                await busy.EchoAsync("busy to the end");
                _time.Advance(Step);
            }
        }
        catch (Exception e) when (e is SocketException or Xunit.Sdk.XunitException)
        {
            // The end of the connection, which any of these calls may report.
        }

        await _time.PassUntilAsync(Step, () => stop.IsCompleted, "the host stops");
        await stop;
        await stuckSending;
        foreach (var client in new[] { busy, stuck })
        {
            var line = $"Peer {client.LocalAddress} disconnected: drain timeout after ";
            await host.UntilLoggedAsync(e => e.Text.StartsWith(line, StringComparison.Ordinal), "the end is logged");
            Assert.Equal("drain_timeout", host.Log.Entries.Single(e => e.Text.StartsWith(line, StringComparison.Ordinal)).Properties["Reason"]);
        }
    }

    /// <summary>The balancer's checks continue throughout the drain.</summary>
    [Fact]
    public async Task A_drain_is_no_error_and_the_hosts_own_probes_appear_nowhere()
    {
        using var certificate = new TestCertificate();
        await using var host = await StartHostAsync(_time, [
            .. certificate.Settings, "Echo:Endpoints:Tls:ProxyProtocol=Required", "Echo:Endpoints:Tls:ClientCertificateMode=RequireCertificate",
            $"Echo:Endpoints:Local:Url=unix:{certificate.Folder}/echo.sock", "Echo:Endpoints:Local:ProxyProtocol=Required",
            "Echo:Endpoints:Tcp:ProxyProtocol=Optional", "Echo:Endpoints:Plain:Url=tcp://127.0.0.1:0", "Echo:TrustedProxies:0=192.0.2.1",
            "Echo:LogMessages=false", "Echo:Shutdown:CloseSpread=00:00:00", "Echo:Shutdown:GracePeriod=00:10:00"]);
        using var busy = await host.ConnectAsync("Plain");
        await busy.EchoAsync("before");
        var stop = host.BeginStop();
        var draining = host.Services.GetRequiredService<DrainState>();
        await Wait.UntilAsync(() => draining.IsRejecting, "new connections are turned away");
        for (var i = 0; i < 5; i++)
        {
            // A check's result is reused for a second, and a connection is quiet after one.
            _time.Advance(TimeSpan.FromMilliseconds(600));
            await busy.EchoAsync("busy");
            var health = await (await host.Http.GetAsync("/health/ready")).Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal("Unhealthy", health.GetProperty("status").GetString());
            Assert.Equal("4 of 4 endpoints answer", health.GetProperty("checks").GetProperty("echo").GetProperty("description").GetString());
        }

        var metrics = await host.MetricsAsync();
        Assert.DoesNotMatch("echohost_connections_(rejected|empty)_total{[^}]*} [1-9]", metrics);
        Assert.DoesNotMatch("echohost_connections_accepted_total{endpoint=\"(Tcp|Tls|Local)\"} [1-9]", metrics);
        busy.Dispose();
        await _time.PassUntilAsync(Step, () => stop.IsCompleted, "the host stops");
        await stop;
        Assert.DoesNotContain(host.Log.Entries, e => e.Level >= LogLevel.Warning);
        Assert.DoesNotContain(host.Log.Lines, l => l.Contains("turned away", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_connection_that_cannot_be_closed_does_not_end_the_drain_of_the_others()
    {
        await using var host = await StartHostAsync("Echo:Shutdown:CloseSpread=00:00:00", "Echo:Shutdown:GracePeriod=00:00:03");
        using var client = await host.ConnectAsync();
        await client.EchoAsync("hello");
        var registry = host.Services.GetRequiredService<ConnectionRegistry>();
        var broken = new TrackedConnection(new BrokenConnection(), "Tcp", TimeProvider.System);
        // Quiet already, so that the drain closes it however late it looks.
        var tracked = registry.All().Single();
        await Wait.UntilAsync(() => tracked.Idle >= TimeSpan.FromSeconds(1), "the connection is quiet");
        registry.Add(broken);
        var stop = host.BeginStop();
        Assert.Empty(await client.ReceiveToEndAsync());
        client.Dispose();
        await stop.WaitAsync(Wait.Limit);
        Assert.Contains(host.Log.Lines, l => l.Contains(" disconnected: drain after ", StringComparison.Ordinal));
        Assert.Contains(host.Log.Lines, l => l == $"The connection of peer {broken.Client} could not be ended");
        Assert.Contains("Drained", host.Log.Lines);
    }

    [Fact]
    public async Task The_closing_of_quiet_connections_is_spread()
    {
        const int connections = 40;
        var spread = TimeSpan.FromSeconds(2);
        await using var host = await StartHostAsync(
            _time,
            "Echo:Shutdown:CloseSpread=00:00:02",
            "Echo:Shutdown:GracePeriod=00:10:00",
            "Echo:LogMessages=false");
        var registry = host.Services.GetRequiredService<ConnectionRegistry>();
        var clients = new List<EchoClient>();
        try
        {
            for (var i = 0; i < connections; i++)
            {
                clients.Add(await host.ConnectAsync());
            }

            await Wait.UntilAsync(() => registry.Count == connections, "all are connected");
            _time.Advance(TimeSpan.FromSeconds(1.1));
            var start = _time.GetTimestamp();
            var stop = host.BeginStop();
            // Until then the clock stands still, so that the spread begins at the same moment here and there.
            await Wait.UntilAsync(() => host.Services.GetRequiredService<DrainState>().IsRejecting, "the drain has begun");
            // The clients do not close their sides, so the connections stay open for a while after the host starts to close them.
            int Open() => registry.All().Count(c => c.CloseReason is null);
            while (Open() > 0)
            {
                // This many are due to be closed: no more are closed, and no fewer except those of the last few passes.
                var due = (int)(connections * Math.Min(1, _time.GetElapsedTime(start) / spread));
                Assert.InRange(Open(), connections - due, connections);
                await Wait.UntilAsync(() => Open() <= connections - due + 3, $"{due} are closed");
                _time.Advance(TimeSpan.FromMilliseconds(20));
                await Task.Delay(1, CancellationToken.None);
            }

            await _time.PassUntilAsync(Step, () => stop.IsCompleted, "the host stops");
            await stop;
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }
}

/// <summary>A connection on which every operation fails.</summary>
internal sealed class BrokenConnection : DefaultConnectionContext
{
    public BrokenConnection()
        : base("broken")
    {
    }

    public override IDuplexPipe Transport
    {
        get => throw new InvalidOperationException("broken");
        set => base.Transport = value;
    }

    public override void Abort(ConnectionAbortedException abortReason) => throw new InvalidOperationException("broken");
}

public sealed class DrainTestsOnEpoll() : DrainTests(TransportTests.Epoll);

public sealed class DrainTestsOnSockets() : DrainTests(TransportTests.Sockets);
