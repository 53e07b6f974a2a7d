using System.Net;
using System.Text;
using EchoHost.Metrics;
using EchoHost.Peers;
using EchoHost.Peers.Mesh;
using EchoHost.Tests.Infrastructure;
using EchoHost.Tests.Peers.Mesh;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Metrics;

public class PeerMetricsTests
{
    [Fact]
    public async Task Peers_may_join_one_after_the_other_without_losing_a_series()
    {
        const int most = 200;
        await using var host = await StartAsync();
        var (peers, metrics) = (host.Services.GetRequiredService<PeerList>(), host.Services.GetRequiredService<PeerMetrics>());
        for (var count = 1; count <= most; count++)
        {
            Join(peers, metrics, count);
            if (count % 50 == 0 || count is 1 or 64 or 65 or 129 or 131)
            {
                var text = await ScrapeAsync(host);
                Assert.DoesNotContain("overflow", text, StringComparison.Ordinal);
                Assert.Equal(count, Count(text, "echohost_peer_up{"));
                Assert.Equal(count * 10, Count(text, "echohost_peer_probes_total{"));
            }
        }

        // All series are in the text once every peer has been probed again, and the host's own are still there.
        foreach (var peer in peers.All())
        {
            Probe(peer, metrics);
        }

        var whole = await ScrapeAsync(host);
        Assert.Equal(most, Count(whole, "echohost_peer_rtt_seconds_count{"));
        Assert.DoesNotContain("overflow", whole, StringComparison.Ordinal);
        Assert.Contains("\nechohost_messages_total{endpoint=\"Tcp\"} 0\n", whole, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_peer_its_series_go_and_the_others_counters_go_on()
    {
        await using var host = await StartAsync();
        var (peers, metrics) = (host.Services.GetRequiredService<PeerList>(), host.Services.GetRequiredService<PeerMetrics>());
        var all = Enumerable.Range(1, 70).Select(i => Join(peers, metrics, i)).ToList();
        using (var client = await host.ConnectAsync())
        {
            await client.EchoAsync("hello");
        }

        for (var left = all.Count; left > 0; left -= 7)
        {
            foreach (var peer in all.Take(7))
            {
                peers.Remove(peer);
                // A probe that was in flight.
                Probe(peer, metrics);
            }

            metrics.PeersChanged(haveSomeLeft: true);
            var gone = all.Take(7).ToList();
            all.RemoveRange(0, 7);
            all.ForEach(peer => Probe(peer, metrics));
            var text = await ScrapeAsync(host);
            Assert.All(gone, peer => Assert.DoesNotContain($"\"{peer.Name}\"", text, StringComparison.Ordinal));
            Assert.All(
                all,
                peer => Assert.Contains(
                    $"\nechohost_peer_probes_total{{peer=\"{peer.Name}\",result=\"ok\"}} {peer.ProbesOf(ProbeResult.Ok)}\n",
                    text,
                    StringComparison.Ordinal));
            Assert.All(all, peer => Assert.Contains($"\nechohost_peer_up{{peer=\"{peer.Name}\"}} 1\n", text, StringComparison.Ordinal));
            Assert.Contains("\nechohost_messages_total{endpoint=\"Tcp\"} 1\n", text, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("\nechohost_peer", await ScrapeAsync(host), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_probe_of_a_target_is_measured_the_first_too()
    {
        await using var echo = StubPeer.Echoes();
        await using var host = await EchoHostFixture.StartAsync($"Peers:Targets:0={echo.Name}", "Peers:Interval=01:00:00");
        await host.UntilMeasuredAsync($"echohost_peer_rtt_seconds_count{{peer=\"{echo.Name}\"}}", count => count > 0);
        var series = await host.SeriesAsync();
        Assert.Equal(1, series[$"echohost_peer_rtt_seconds_count{{peer=\"{echo.Name}\"}}"]);
        Assert.Equal(1, series[$"echohost_peer_rtt_seconds_bucket{{peer=\"{echo.Name}\",le=\"+Inf\"}}"]);
        Assert.Equal(1, series[$"echohost_peer_probes_total{{peer=\"{echo.Name}\",result=\"ok\"}}"]);
        Assert.Equal(1, series[$"echohost_peer_up{{peer=\"{echo.Name}\"}}"]);
        Assert.Equal(0, series[$"echohost_peer_retransmits_total{{peer=\"{echo.Name}\"}}"]);
        Assert.Equal(1, series["echohost_peer_phase_seconds_count{phase=\"connect\"}"]);
        Assert.DoesNotContain(
            series.Keys,
            key => key.Contains("phase=\"resolve\"", StringComparison.Ordinal) || key.Contains("phase=\"tls\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Phases_are_counted_over_all_peers_and_retransmits_for_each()
    {
        await using var host = await StartAsync();
        var (peers, metrics) = (host.Services.GetRequiredService<PeerList>(), host.Services.GetRequiredService<PeerMetrics>());
        var phases = new PhaseTimes(TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(3), Proxy: null, TimeSpan.FromMilliseconds(40));
        var ok = EchoHost.Peers.Probe.Answered(TimeSpan.FromMilliseconds(1)) with { Phases = phases, Retransmits = 2 };
        var silence = new PeerException(ProbeResult.Timeout, "silent");
        var silent = EchoHost.Peers.Probe.Failed(silence) with { Phases = phases with { Resolve = null }, Retransmits = 5 };
        foreach (var peer in new[] { Join(peers, metrics, 1), Join(peers, metrics, 2) })
        {
            peer.Record(ok, DateTimeOffset.UnixEpoch, metrics.Probed);
            peer.Record(silent, DateTimeOffset.UnixEpoch, metrics.Probed);
        }

        var series = await host.SeriesAsync();
        Assert.Equal(7, series["echohost_peer_retransmits_total{peer=\"10.0.0.1:5555\"}"]);
        Assert.Equal(7, series["echohost_peer_retransmits_total{peer=\"10.0.0.2:5555\"}"]);
        Assert.Equal(2, series["echohost_peer_phase_seconds_count{phase=\"resolve\"}"]);
        Assert.Equal(4, series["echohost_peer_phase_seconds_count{phase=\"connect\"}"]);
        Assert.Equal(4, series["echohost_peer_phase_seconds_count{phase=\"tls\"}"]);
        Assert.Equal(4, series["echohost_peer_phase_seconds_bucket{phase=\"connect\",le=\"0.005\"}"]);
        Assert.Equal(0, series["echohost_peer_phase_seconds_bucket{phase=\"connect\",le=\"0.002\"}"]);
    }

    [Fact]
    public async Task Scrapes_go_on_while_peers_come_and_go()
    {
        await using var host = await StartAsync();
        var (peers, metrics) = (host.Services.GetRequiredService<PeerList>(), host.Services.GetRequiredService<PeerMetrics>());
        var changing = Task.Run(() =>
        {
            for (var i = 0; i < TestScale.Of(50, 1000); i++)
            {
                var peer = Join(peers, metrics, i + 1);
                Probe(peer, metrics);
                peers.Remove(peer);
                metrics.PeersChanged(haveSomeLeft: true);
            }
        });
        do
        {
            Assert.DoesNotContain("overflow", await ScrapeAsync(host), StringComparison.Ordinal);
        }
        while (!changing.IsCompleted);
        await changing.WaitAsync(Wait.Limit);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Promtool_finds_nothing_to_complain_of_with_peers(bool openMetrics)
    {
        Tool.Need("promtool");
        await using StubPeer good = StubPeer.Echoes(), full = StubPeer.TurnsAway();
        await using var host = await EchoHostFixture.StartAsync([MeshHost.Interval, .. MeshHost.Targets(good.Name, full.Name)]);
        await host.UntilStateAsync(good.Name, "up");
        await host.UntilStateAsync(full.Name, "turnsAway");
        var text = Encoding.UTF8.GetString((await host.Services.GetRequiredService<MeterProviders>().ScrapeAsync(openMetrics, CancellationToken.None)).Span);
        Assert.Contains(
            openMetrics ? "# UNIT echohost_peer_rtt_seconds seconds\n" : "# TYPE echohost_peer_probes_total counter\n",
            text,
            StringComparison.Ordinal);
        if (openMetrics)
        {
            // promtool reads only the other format.
            var families = text.Split('\n').Where(l => l.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(l => l.Split(' ')[2]).ToList();
            Assert.Equal(families.Distinct().Order(StringComparer.Ordinal), families);
            return;
        }

        await Promtool.CheckAsync(text);
    }

    /// <summary>Starts a host whose peers the test adds and removes itself: its resolver never answers.</summary>
    private static Task<EchoHostFixture> StartAsync() =>
        MeshHost.StartAsync(
            new FakeResolver((_, _) => new TaskCompletionSource<IPAddress[]>().Task),
            "Peers:Dns:0=echo.example:5555",
            "Peers:Timeout=00:10:00");

    private static Peer Join(PeerList peers, PeerMetrics metrics, int number)
    {
        var peer = new Peer(new PeerTarget($"10.0.{number / 256}.{number % 256}", 5555, IsTls: false), PeerSource.Dns);
        peers.Add(peer);
        metrics.PeersChanged(haveSomeLeft: false);
        Probe(peer, metrics);
        return peer;
    }

    private static void Probe(Peer peer, PeerMetrics metrics) =>
        peer.Record(EchoHost.Peers.Probe.Answered(TimeSpan.FromMilliseconds(1)), DateTimeOffset.UnixEpoch, metrics.Probed);

    private static Task<string> ScrapeAsync(EchoHostFixture host) => host.Http.GetStringAsync("/metrics");

    private static int Count(string text, string start) => text.Split('\n').Count(l => l.StartsWith(start, StringComparison.Ordinal));
}
