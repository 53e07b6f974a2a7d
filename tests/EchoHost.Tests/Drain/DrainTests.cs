using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Drain;

public abstract class DrainTests(string transport) : TransportTests(transport)
{
    [Fact]
    public async Task During_the_readiness_delay_the_host_is_unready_and_still_serves()
    {
        await using var host = await StartHostAsync("Echo:Shutdown:ReadinessDelay=00:00:02");
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/health/ready")).StatusCode);
        var stop = host.BeginStop();
        await Wait.UntilAsync(async () => (await host.Http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable, "the host is unready");
        using var late = await host.ConnectAsync();
        await late.EchoAsync("still welcome");
        Assert.False(stop.IsCompleted);
        late.Dispose();
        await stop.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task Quiet_connections_are_closed_busy_ones_go_on_and_new_ones_are_turned_away()
    {
        await using var host = await StartHostAsync("Echo:LogMessages=false", "Echo:Shutdown:GracePeriod=00:00:20", "Echo:Shutdown:CloseSpread=00:00:00.200");
        using var quiet = await host.ConnectAsync();
        using var busy = await host.ConnectAsync();
        await quiet.EchoAsync("now silent");
        // Whom the kernel has accepted but the host has not yet would be turned away.
        await busy.EchoAsync("busy");
        var stop = host.BeginStop();
        var quietEnd = quiet.ReceiveToEndAsync();
        while (!quietEnd.IsCompleted)
        {
            await busy.EchoAsync("busy");
            await Task.Delay(20, CancellationToken.None);
        }

        // A FIN, not a reset: nothing that was on its way is lost.
        Assert.Empty(await quietEnd);
        await busy.EchoAsync("and on");
        await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await host.Http.GetAsync("/health/ready")).StatusCode);
        Assert.Equal("draining", (await host.Http.GetFromJsonAsync<JsonElement>("/connections")).GetProperty("state").GetString());
        await busy.EchoAsync("still");
        var metrics = await host.Http.GetStringAsync("/metrics");
        Assert.Contains("echohost_connections_rejected_total{endpoint=\"Tcp\",reason=\"draining\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("echohost_connection_duration_seconds_count{endpoint=\"Tcp\",reason=\"drained\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.False(stop.IsCompleted);

        // The busy one falls quiet, and is closed in its turn.
        Assert.Empty(await busy.ReceiveToEndAsync());
        await stop.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task At_the_end_of_the_grace_period_busy_ones_get_what_they_sent_and_stuck_ones_are_aborted()
    {
        await using var host = await StartHostAsync("Echo:LogMessages=false", "Echo:Shutdown:GracePeriod=00:00:01.500", "Echo:Shutdown:CloseSpread=00:00:00");
        using var stuck = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        var stuckSending = Assert.ThrowsAnyAsync<SocketException>(() => stuck.SendAsync(new byte[64 * 1024 * 1024]));
        using var busy = await host.ConnectAsync();
        await busy.EchoAsync("before");
        var stop = host.BeginStop();
        try
        {
            while (true)
            {
                await busy.EchoAsync("busy to the end");
            }
        }
        catch (Exception e) when (e is SocketException or Xunit.Sdk.XunitException)
        {
            // Its end, whichever call met it.
        }

        await stuckSending;
        await stop.WaitAsync(Wait.Limit);
        string Reason(EchoClient client) => (string)host.Log.Entries.Single(e => e.Text == $"Peer {client.LocalAddress} disconnected").Properties["Reason"]!;
        Assert.Equal("drain_timeout", Reason(busy));
        Assert.Equal("drain_timeout", Reason(stuck));
    }

    [Fact]
    public async Task The_closing_of_quiet_connections_is_spread()
    {
        await using var host = await StartHostAsync("Echo:Shutdown:CloseSpread=00:00:02", "Echo:LogMessages=false");
        var clients = new List<EchoClient>();
        try
        {
            for (var i = 0; i < 40; i++)
            {
                clients.Add(await host.ConnectAsync());
            }

            await Wait.UntilAsync(
                async () => (await host.Http.GetFromJsonAsync<JsonElement>("/connections?sort=idle")).GetProperty("connections") is var list && list.GetArrayLength() == 40 && list[39].GetProperty("idleSeconds").GetDouble() > 1.1,
                "all are quiet");
            var stop = host.BeginStop();
            var seen = new HashSet<int>();
            while (!stop.IsCompleted)
            {
                try
                {
                    seen.Add((await host.Http.GetFromJsonAsync<JsonElement>("/connections?limit=0")).GetProperty("active").GetInt32());
                }
                catch (HttpRequestException)
                {
                    break;
                }
            }

            // Closed at one blow, hardly any count between would be seen.
            Assert.InRange(seen.Count(n => n is > 0 and < 40), 5, 39);
            await stop.WaitAsync(Wait.Limit);
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }
}

public sealed class DrainTestsOnEpoll() : DrainTests(TransportTests.Epoll);

public sealed class DrainTestsOnSockets() : DrainTests(TransportTests.Sockets);
