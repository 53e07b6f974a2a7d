using System.Runtime.InteropServices;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Balancers;

public class RollingStopTests
{
    /// <summary>
    /// Two hosts behind HAProxy, which asks each for its readiness; constant short connections; one host is told to
    /// stop, and then ends. Not one connection may fail.
    /// </summary>
    [Fact]
    public async Task Nothing_is_lost_when_one_of_two_hosts_stops()
    {
        const int workers = 4;
        string[] settings = ["--Echo:LogMessages=false", "--Echo:Shutdown:ReadinessDelay=00:00:03", "--Echo:Endpoints:Tcp:ProxyProtocol=Required", "--Echo:TrustedProxies:0=127.0.0.1"];
        using var first = await EchoHostProcess.StartHostAsync(settings);
        using var second = await EchoHostProcess.StartHostAsync(settings);
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $"""
            listen echo
              bind 127.0.0.1:{ports[0]}
              balance roundrobin
              option httpchk GET /health/ready
              default-server check inter 200ms fall 2 rise 1 send-proxy-v2
              server first {first.Tcp} port {first.HttpUrl!.Port}
              server second {second.Tcp} port {second.HttpUrl!.Port}
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
        first.Signal(PosixSignal.SIGTERM);
        var exit = await first.WaitForExitAsync();
        var before = Volatile.Read(ref made);
        await Wait.UntilAsync(() => made > before + 100 || traffic.IsCompleted, "the other host serves on");
        await over.CancelAsync();

        // Any connection that failed throws here.
        await traffic;
        Assert.Equal(0, exit);
        TestContext.Current.TestOutputHelper?.WriteLine($"{made} connections made, 0 lost");
        Assert.DoesNotContain(first.Output.Concat(second.Output), l => l.Contains("turned away", StringComparison.Ordinal));
    }
}
