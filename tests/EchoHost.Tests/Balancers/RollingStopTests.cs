using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Balancers;

public class RollingStopTests
{
    /// <summary>
    /// Two hosts are behind HAProxy, which checks their readiness, with a constant stream of short connections. One host is
    /// stopped and ends. No connection may fail.
    /// </summary>
    [Fact]
    public async Task Nothing_is_lost_when_one_of_two_hosts_stops()
    {
        const int workers = 4;
        string[] settings =
            ["Echo:LogMessages=false", "Echo:Shutdown:ReadinessDelay=00:00:05", "Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.1"];
        // The readiness delay lasts until the balancer has noticed, however busy the machine.
        var time = new FakeTimeProvider();
        await using var first = await EchoHostFixture.StartAsync(time, settings);
        await using var second = await EchoHostFixture.StartAsync(settings);
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $"""
            listen echo
              bind 127.0.0.1:{ports[0]}
              balance roundrobin
              option httpchk GET /health/ready
              default-server check inter 200ms fall 2 rise 1 send-proxy-v2
              server first {first.Tcp} port {first.Http.BaseAddress!.Port}
              server second {second.Tcp} port {second.Http.BaseAddress!.Port}
            """);

        using var over = new CancellationTokenSource();
        var made = 0;
        var traffic = Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                using var client = await EchoClient.ConnectAsync(haproxy.Fronts[0]);
                await client.EchoAsync($"worker {worker}");
                client.HalfClose();
                Assert.Empty(await client.ReceiveToEndAsync());
                Interlocked.Increment(ref made);
            }
        })));

        await Wait.UntilAsync(() => made > 100 || traffic.IsCompleted, "both hosts serve");
        Assert.True(await AcceptedAsync(first) > 0 && await AcceptedAsync(second) > 0);
        var stop = first.BeginStop();
        await Wait.UntilAsync(
            () => haproxy.Output.Any(l => l.Contains("Server echo/first is DOWN", StringComparison.Ordinal)) || traffic.IsCompleted,
            "the balancer has noticed");
        await time.PassUntilAsync(TimeSpan.FromMilliseconds(100), () => stop.IsCompleted || traffic.IsCompleted, "the host stops");
        var before = Volatile.Read(ref made);
        await Wait.UntilAsync(() => made > before + 100 || traffic.IsCompleted, "the other host serves on");
        await over.CancelAsync();

        // A failed connection throws here.
        await traffic;
        await stop;
        TestContext.Current.TestOutputHelper?.WriteLine($"{made} connections made, 0 lost");
        Assert.DoesNotContain(first.Log.Lines.Concat(second.Log.Lines), l => l.Contains("turned away", StringComparison.Ordinal));
    }

    private static Task<long> AcceptedAsync(EchoHostFixture host) => host.CounterAsync("echohost_connections_accepted_total{endpoint=\"Tcp\"}");
}
