using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using EchoHost.Peers;
using EchoHost.Peers.Mesh;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Peers.Mesh;

public abstract partial class MeshTests(string transport) : TransportTests(transport)
{
    private const string Away = "ends connections before a byte comes back: it may be draining, or full";
    private const string Refused = "is unreachable: refused: Connection refused";

    /// <summary>With Kestrel's sockets, a reset that comes while the first bytes are sent may look like an orderly end.</summary>
    private readonly bool _seesEveryReset = transport == Epoll;

    [Fact]
    public async Task Three_hosts_see_each_other_come_and_go()
    {
        using HeldPort first = new(), second = new(), third = new();
        Task<EchoHostFixture> Start(HeldPort own, HeldPort other, HeldPort another) =>
            StartHostAsync([MeshHost.Interval, own.Setting, .. MeshHost.Targets(other.Name, another.Name)]);

        await using var a = await Start(first, second, third);
        await a.UntilLoggedAsync($"Peer {second.Name} is unreachable: refused: Connection refused");
        await a.UntilLoggedAsync($"Peer {third.Name} is unreachable: refused: Connection refused");
        await a.UntilReadyAsync();

        await using var b = await Start(second, first, third);
        await using (var c = await Start(third, first, second))
        {
            await a.UntilStateAsync(second.Name, "up");
            await a.UntilStateAsync(third.Name, "up");
            await b.UntilStateAsync(third.Name, "up");
            await c.UntilLoggedAsync($"Peer {first.Name} is reachable");
            await c.UntilLoggedAsync($"Peer {second.Name} is reachable");
            await a.UntilMeasuredAsync($"echohost_peer_up{{peer=\"{third.Name}\"}}", up => up == 1);
            await a.UntilMeasuredAsync($"echohost_peer_probes_total{{peer=\"{third.Name}\",result=\"ok\"}}", probes => probes > 1);
            await a.UntilMeasuredAsync($"echohost_peer_rtt_seconds_count{{peer=\"{third.Name}\"}}", probes => probes > 1);
            await a.UntilMeasuredAsync($"echohost_peer_rtt_seconds_sum{{peer=\"{third.Name}\"}}", seconds => seconds > 0);
            await Task.WhenAll(a.UntilReadyAsync(), b.UntilReadyAsync(), c.UntilReadyAsync());
        }

        foreach (var survivor in new[] { a, b })
        {
            await survivor.UntilStateAsync(third.Name, "down");
            await Wait.UntilAsync(() => survivor.Said(third.Name).Last() == Refused, "what has become of it is logged");
            await survivor.UntilMeasuredAsync($"echohost_peer_up{{peer=\"{third.Name}\"}}", up => up == 0);
            await survivor.UntilMeasuredAsync($"echohost_peer_probes_total{{peer=\"{third.Name}\",result=\"refused\"}}", probes => probes > 2);
            await survivor.UntilReadyAsync();
        }

        var lines = a.Said(third.Name).Count();
        await using var again = await Start(third, first, second);
        await a.UntilStateAsync(third.Name, "up");
        await Wait.UntilAsync(() => a.Said(third.Name).Count() == lines + 1, "it is said once");
        Assert.Matches(Again(), a.Said(third.Name).Last());
        Assert.Equal("up", await a.StateAsync(second.Name));
        await a.UntilReadyAsync();

        // Only changes were logged; a peer that stops may reject a probe first.
        Assert.Collection(
            Calm(a.Said(third.Name)).Where(l => l != Away),
            l => Assert.Equal(Refused, l),
            l => Assert.Matches(Again(), l),
            l => Assert.Equal(Refused, l),
            l => Assert.Matches(Again(), l));
        await again.UntilLoggedAsync($"Peer {first.Name} is reachable");
        Assert.Equal(["is reachable"], again.Said(first.Name));
    }

    [Fact]
    public async Task Peers_that_let_their_probes_time_out_do_not_hold_up_the_others()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs the whole of 127.0.0.0/8");
        // The kernel accepts every connection, and nothing ever answers.
        using var silent = new TcpListener(IPAddress.Any, 0);
        silent.Start(4096);
        var port = ((IPEndPoint)silent.LocalEndpoint).Port;
        await using var good = StubPeer.Echoes();
        var many = Enumerable.Range(0, ProbeSchedule.MaxProbes + 100).Select(i => $"127.0.{1 + (i / 200)}.{1 + (i % 200)}:{port}").ToArray();
        await using var host = await StartHostAsync([MeshHost.Interval, "Peers:Timeout=00:00:04", .. MeshHost.Targets([.. many, good.Name])]);
        var peers = host.Services.GetRequiredService<PeerList>();
        await Wait.UntilAsync(() => many.All(name => peers.Find(name)!.State == PeerState.Down), "all silent peers are known as such");

        // If they delayed it, the good peer would be probed once per their round, which lasts a timeout, and not once per
        // interval.
        long Silent() => many.Sum(name => peers.Find(name)!.ProbesOf(ProbeResult.Timeout));
        var (silentBefore, goodBefore) = (Silent(), peers.Find(good.Name)!.ProbesOf(ProbeResult.Ok));
        await Wait.UntilAsync(() => peers.Find(good.Name)!.ProbesOf(ProbeResult.Ok) >= goodBefore + 12, "the good one has its turns");
        Assert.InRange(Silent() - silentBefore, 0, 4 * ProbeSchedule.MaxProbesOfDown);
        await Wait.UntilAsync(() => Silent() > silentBefore, "silent peers have their turns too");
    }

    [Fact]
    public async Task Each_way_of_failing_has_its_state_its_line_and_its_count()
    {
        await using StubPeer good = StubPeer.Echoes(), liar = StubPeer.Lies(), silent = StubPeer.IsSilent(), closer = StubPeer.Closes();
        await using var full = StubPeer.TurnsAway(atOnce: _seesEveryReset);
        using var refusing = new HeldPort();
        using var certificate = new TestCertificate();
        await using var untrusted = await StartHostAsync([.. certificate.Settings]);
        var tls = $"localhost:{((IPEndPoint)untrusted.EndPoints["Tls"]).Port}";
        // The host that probes the silent peer has a test clock: the timeout comes when the peer has received the probe.
        var time = new FakeTimeProvider();
        await using var impatient = await StartHostAsync(time, ["Peers:Timeout=10:00:00", .. MeshHost.Targets(silent.Name)]);
        await using var patient = await StartHostAsync([
            MeshHost.Interval,
            .. MeshHost.Targets(
                good.Name,
                liar.Name,
                closer.Name,
                full.Name,
                refusing.Name,
                $"tls://{tls}",
                "tls://" + good.Name.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)),
        ]);

        var expected = new (string Name, string State, string Result, string? Error, string Line)[]
        {
            (good.Name, "up", "ok", null, "is reachable"),
            (liar.Name, "down", "mismatch", "byte 1 of 64 came back different", "is unreachable: mismatch: byte 1 of 64 came back different"),
            (
                silent.Name,
                "down",
                "timeout",
                "connected, 0 of 64 bytes came back within ",
                "is unreachable: timeout: connected, 0 of 64 bytes came back within 36000 s"),
            (closer.Name, "turnsAway", "closed", "closed by the peer before a byte came back, after ", Away),
            (full.Name, "turnsAway", "reset", "reset by the peer before a byte came back, after ", Away),
            (refusing.Name, "down", "refused", "Connection refused", Refused),
            (tls, "down", "tls", "", "is unreachable: tls: the peer's certificate is not believed: it is self-signed, and not trusted here"),
            (
                good.Name.Replace("127.0.0.1", "localhost", StringComparison.Ordinal),
                "down",
                "tls",
                "",
                "is unreachable: tls: the peer does not speak TLS: it sends back what it gets"),
        };
        for (var probes = 1; probes <= 2; probes++)
        {
            await time.PassUntilAsync(TimeSpan.FromSeconds(1), () => silent.Received >= probes, "the silent peer is probed");
            time.Advance(TimeSpan.FromHours(10));
            await Wait.UntilAsync(async () => (await impatient.PeersAsync())[silent.Name].GetProperty("probes").GetInt64() == probes, "the probe is over");
        }

        foreach (var (name, state, result, error, line) in expected)
        {
            var host = name == silent.Name ? impatient : patient;
            await Wait.UntilAsync(
                async () => (await host.PeersAsync())[name].GetProperty("probes").GetInt64() >= (name == silent.Name ? 2 : 5),
                $"{name} is probed");
            var peer = (await host.PeersAsync())[name];
            Assert.Equal(
                (name, state, result, state == "up"),
                (name, peer.GetProperty("state").GetString(), peer.GetProperty("lastResult").GetString(), peer.GetProperty("up").GetBoolean()));
            Assert.True(
                error is null
                    ? peer.GetProperty("lastError").GetString() is null
                    : peer.GetProperty("lastError").GetString()!.StartsWith(error, StringComparison.Ordinal),
                peer.GetProperty("lastError").GetString());
            Assert.Equal(state == "up" ? 0 : 100, peer.GetProperty("lossPercent").GetDouble());

            // It was logged once, however often it failed, with the other details as properties of the event.
            Assert.Equal([line], host.Said(name));
            var entry = host.Log.Entries.Single(e => e.Text == $"Peer {name} {line}");
            Assert.Equal(state == "up" ? LogLevel.Information : LogLevel.Warning, entry.Level);
            if (state == "down")
            {
                Assert.Equal(result, entry.Properties["Result"]);
                Assert.StartsWith(error!, (string)entry.Properties["Error"]!, StringComparison.Ordinal);
            }

            var series = await host.SeriesAsync();
            Assert.Equal(state == "up" ? 1 : 0, series[$"echohost_peer_up{{peer=\"{name}\"}}"]);
            Assert.All(
                new[] { "ok", "dns", "refused", "unreachable", "timeout", "tls", "closed", "reset", "mismatch", "local" },
                other => Assert.Equal(other == result, series[$"echohost_peer_probes_total{{peer=\"{name}\",result=\"{other}\"}}"] > 0));
            Assert.Equal(state == "up", series.ContainsKey($"echohost_peer_rtt_seconds_count{{peer=\"{name}\"}}"));
        }

        await Task.WhenAll(patient.UntilReadyAsync(), impatient.UntilReadyAsync());
    }

    [Fact]
    public async Task A_name_that_nobody_has_is_of_class_dns()
    {
        await using var host = await EchoHostFixture.StartAsync(
            services => FakeResolver.ResolvesNothing(services),
            [MeshHost.Interval, .. MeshHost.Targets("missing.example:5555")]);
        await host.UntilLoggedAsync("Peer missing.example:5555 is unreachable: dns: missing.example can't be resolved: there is no such name");
        Assert.StartsWith(
            "missing.example can't be resolved: ",
            (await host.PeersAsync())["missing.example:5555"].GetProperty("lastError").GetString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_in_its_readiness_delay_is_up()
    {
        var time = new FakeTimeProvider();
        await using var leaving = await StartHostAsync(time, "Echo:Shutdown:ReadinessDelay=00:00:10");
        var name = leaving.Tcp.ToString()!;
        await using var host = await StartHostAsync([MeshHost.Interval, .. MeshHost.Targets(name)]);
        await host.UntilStateAsync(name, "up");
        var stop = leaving.BeginStop();
        await Wait.UntilAsync(async () => !await leaving.IsReadyAsync(), "it is unready");
        var probes = (await host.PeersAsync())[name].GetProperty("probes").GetInt64();
        await Wait.UntilAsync(async () => (await host.PeersAsync())[name].GetProperty("probes").GetInt64() >= probes + 2, "it is probed meanwhile");
        Assert.False(stop.IsCompleted);
        await host.UntilLoggedAsync($"Peer {name} is reachable");
        Assert.Equal(["is reachable"], host.Said(name));
        await time.PassUntilAsync(TimeSpan.FromSeconds(1), () => stop.IsCompleted, "it stops");
        await stop;
        await Wait.UntilAsync(() => host.Said(name).Last() == Refused, "it is gone");
    }

    [Fact]
    public async Task A_peer_that_drains_turns_away_and_one_that_is_gone_refuses()
    {
        // No time passes, so the busy connection does not become quiet.
        var time = new FakeTimeProvider();
        await using var leaving = await StartHostAsync(
            time,
            "Echo:LogMessages=false",
            "Echo:Shutdown:GracePeriod=00:10:00",
            "Echo:Shutdown:CloseSpread=00:00:00");
        var name = leaving.Tcp.ToString()!;
        await using var host = await StartHostAsync([MeshHost.Interval, .. MeshHost.Targets(name)]);
        await host.UntilStateAsync(name, "up");
        using var busy = await leaving.ConnectAsync();
        await busy.EchoAsync("busy");
        var stop = leaving.BeginStop();
        await host.UntilStateAsync(name, "turnsAway");
        // The state changes before it is logged.
        await host.UntilLoggedAsync($"Peer {name} {Away}");
        Assert.Equal(["is reachable", Away], Calm(host.Said(name)));
        await Wait.UntilAsync(
            async () => (await host.PeersAsync())[name].GetProperty("lastError").GetString()!.Contains("before a byte came back", StringComparison.Ordinal),
            "the reason is told");
        await host.UntilMeasuredAsync($"echohost_peer_up{{peer=\"{name}\"}}", up => up == 0);
        await busy.EchoAsync("still busy");
        Assert.False(stop.IsCompleted);

        busy.Dispose();
        await time.PassUntilAsync(TimeSpan.FromMilliseconds(20), () => stop.IsCompleted, "it stops");
        await stop;
        await host.UntilLoggedAsync($"Peer {name} is unreachable: refused: Connection refused");
        Assert.Equal(["is reachable", Away, Refused], Calm(host.Said(name)));
        await host.UntilReadyAsync();
    }

    [Fact]
    public async Task A_host_stops_while_its_probes_are_under_way()
    {
        await using var silent = StubPeer.IsSilent();
        await using var host = await StartHostAsync([MeshHost.Interval, "Peers:Timeout=00:10:00", .. MeshHost.Targets(silent.Name)]);
        await Wait.UntilAsync(() => silent.Accepted == 1, "it is probed");
        await host.BeginStop().WaitAsync(Wait.Limit);
        Assert.Empty(host.Said(silent.Name));
        Assert.Empty(host.Problems(LogLevel.Warning));
    }

    private IEnumerable<string> Calm(IEnumerable<string> said)
    {
        if (_seesEveryReset)
        {
            return said;
        }

        string[] calm = [.. said.Where(l => !l.StartsWith("is unreachable: closed", StringComparison.Ordinal))];
        return calm.Where((l, i) => i == 0 || l != calm[i - 1]);
    }

    [GeneratedRegex(@"^is reachable again, after \d+(\.\d)? s$")]
    private static partial Regex Again();
}

public class TurningAwayTests
{
    [Fact]
    public async Task However_early_the_reset_comes_the_peer_turns_away()
    {
        await using var full = StubPeer.TurnsAway();
        await using var host = await EchoHostFixture.StartAsync();
        Assert.True(PeerTarget.TryParse(full.Name, out var target, out _));
        var client = host.Services.GetRequiredService<PeerClient>();
        await Parallel.ForEachAsync(Enumerable.Range(0, TestScale.Of(1000, 20_000)), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, stop) =>
        {
            var probe = await client.ProbeAsync(target!, 64, Wait.Limit, stop);
            Assert.True(probe.IsTurnedAway, $"{probe.Result}: {probe.Error}");
        });
    }
}

public sealed class MeshTestsOnEpoll() : MeshTests(TransportTests.Epoll);

public sealed class MeshTestsOnSockets() : MeshTests(TransportTests.Sockets);
