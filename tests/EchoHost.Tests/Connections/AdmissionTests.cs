using System.Net;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.Logging;

namespace EchoHost.Tests.Connections;

public abstract class AdmissionTests(string transport) : TransportTests(transport)
{
    [Fact]
    public async Task Past_the_limit_callers_are_turned_away_counted_and_logged_once()
    {
        await using var host = await StartHostAsync("Echo:Limits:MaxConnections=2");
        using var first = await host.ConnectAsync();
        using var second = await host.ConnectAsync();
        await first.EchoAsync("first");
        await second.EchoAsync("second");
        for (var i = 0; i < 5; i++)
        {
            await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
        }

        Assert.Contains("echohost_connections_rejected_total{endpoint=\"Tcp\",reason=\"limit\"} 5\n", await host.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        var lines = host.Log.Entries.Where(e => e.Text.Contains("turned away: the limit of 2 connections is reached", StringComparison.Ordinal)).ToList();
        // Once a second; a slow machine may have taken a few.
        Assert.InRange(lines.Count, 1, 4);
        Assert.All(lines, l => Assert.Equal(LogLevel.Warning, l.Level));

        // Who is inside feels nothing of it, and a place that falls free is taken.
        await first.EchoAsync("still here");
        second.Dispose();
        await Wait.UntilAsync(() => host.Log.Lines.Any(l => l.EndsWith(" disconnected", StringComparison.Ordinal)), "a place is free");
        using var next = await host.ConnectAsync();
        await next.EchoAsync("in");
    }

    [Fact]
    public async Task One_address_can_not_take_every_place()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs the whole of 127.0.0.0/8");
        await using var host = await StartHostAsync("Echo:Limits:MaxConnectionsPerAddress=1");
        using var first = await host.ConnectAsync();
        await first.EchoAsync("first");
        await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
        using var other = await EchoClient.ConnectAsync(host.Tcp, from: IPAddress.Parse("127.0.0.2"));
        await other.EchoAsync("from elsewhere");
        Assert.Contains("echohost_connections_rejected_total{endpoint=\"Tcp\",reason=\"address_limit\"} 1\n", await host.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_readiness_check_passes_a_full_host()
    {
        await using var host = await StartHostAsync("Echo:Limits:MaxConnections=1");
        using var only = await host.ConnectAsync();
        await only.EchoAsync("full");
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/health/ready")).StatusCode);
    }
}

public sealed class AdmissionTestsOnEpoll() : AdmissionTests(TransportTests.Epoll);

public sealed class AdmissionTestsOnSockets() : AdmissionTests(TransportTests.Sockets);
