using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using EchoHost.Deploy.Tests.Infrastructure;
using EchoHost.Deploy.Tests.Watching;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Deploy.Tests.Compose;

/// <summary>
/// The fleet of <c>deploy/compose</c> without Docker: the same HAProxy and Prometheus files, run from Debian's packages, with
/// two hosts that have the same environment. Only names and ports are other: HAProxy's by the variables of its file,
/// Prometheus' by files of targets beside its own, the hosts' by their keys.
/// </summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public class FleetTests
{
    private const int Hosts = 2;

    [Fact]
    public async Task It_is_balanced_and_watched_and_a_host_that_leaves_is_seen_by_all()
    {
        var compose = await ComposeFile.ReadAsync();
        using var ports = new Ports();
        using var first = StartHost(compose, ports, 0);
        using var second = StartHost(compose, ports, 1);
        using var haproxy = await StartHAProxyAsync(ports);
        using var folder = new PrometheusFolder(ports);
        using var prometheus = await PrometheusServer.StartAsync(folder.File);

        // Clients come through the balancer to both hosts, which see the clients' own addresses.
        var instances = new HashSet<string>();
        await Wait.UntilAsync(
            async () =>
            {
                if (await WhoAsync(ports) is { } who)
                {
                    Assert.Equal("127.0.0.9", IPEndPoint.Parse(who.GetProperty("peer").GetString()!).Address.ToString());
                    Assert.Equal(2, who.GetProperty("proxy").GetProperty("version").GetInt32());
                    instances.Add(who.GetProperty("instance").GetString()!);
                }

                return instances.Count == Hosts;
            },
            "both hosts answer through the balancer");

        // Prometheus scrapes all, and has taken every rule.
        await prometheus.UntilAsync("sum(up)", Hosts + 1);
        await prometheus.UntilAsync("count(echohost_build_info{version!=\"\"})", Hosts);
        await prometheus.UntilAsync("sum(echohost_peer_up)", Hosts * Hosts);
        await prometheus.UntilAsync("count(haproxy_server_status{state=\"UP\",proxy=\"echo\"} == 1)", Hosts);
        var rules = await prometheus.RulesAsync();
        Assert.NotEmpty(rules);
        Assert.All(rules, rule => Assert.Null(rule.Error));

        // One leaves: the balancer sends its clients to the other, whose probes see it gone, as Prometheus does.
        first.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await first.WaitForExitAsync());
        await prometheus.UntilAsync("sum(haproxy_server_status{state=\"UP\",proxy=\"echo\",server=\"echohost-1\"})", 0);
        for (var connection = 0; connection < 2 * Hosts; connection++)
        {
            Assert.True(await EchoesAsync(ports), "a connection went to the host that is gone");
        }

        await prometheus.UntilAsync("sum(up{job=\"echohost\"})", Hosts - 1);
        await prometheus.UntilAsync("sum(echohost_peer_up and on (instance) up == 1)", 1);
    }

    private static EchoHostProcess StartHost(ComposeFile compose, Ports ports, int index)
    {
        var environment = compose.Environment($"echohost-{index + 1}");
        environment["Echo__Endpoints__Tcp__Url"] = $"tcp://{ports.Echo[index].Name}";
        environment["ASPNETCORE_URLS"] = $"http://127.0.0.1:{ports.Http[index].Port}";
        environment["Echo__Endpoints__Who__Url"] = $"tcp://{ports.Who[index].Name}";
        environment["Echo__Endpoints__Peers__Url"] = $"tcp://{ports.Peers[index].Name}";
        environment["Echo__TrustedProxies__0"] = "127.0.0.1";
        for (var peer = 0; peer < Hosts; peer++)
        {
            environment[$"Peers__Targets__{peer}"] = ports.Peers[peer].Name;
        }

        return EchoHostProcess.Start([], [.. environment.Select(variable => (variable.Key, variable.Value))]);
    }

    private static Task<ToolProcess> StartHAProxyAsync(Ports ports)
    {
        var environment = new Dictionary<string, string>
        {
            ["ECHO"] = ports.Front.Name,
            ["WHO"] = ports.WhoFront.Name,
            ["STATS"] = ports.Stats.Name,
        };
        for (var host = 0; host < Hosts; host++)
        {
            environment[$"ECHO_{host + 1}"] = ports.Echo[host].Name;
            environment[$"WHO_{host + 1}"] = ports.Who[host].Name;
            environment[$"HTTP_{host + 1}"] = $"{ports.Http[host].Port}";
        }

        Assert.Equal(HAProxyFile.Variables().Keys.Order(), environment.Keys.Order());
        return ToolProcess.StartAsync("haproxy", ["-db", "-f", HAProxyFile.Name], environment, ports.Front.Port, ports.WhoFront.Port, ports.Stats.Port);
    }

    /// <summary>What a Who endpoint answers through the balancer; null where no host is up yet.</summary>
    private static async Task<JsonElement?> WhoAsync(Ports ports)
    {
        using var client = await EchoClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, ports.WhoFront.Port), from: IPAddress.Parse("127.0.0.9"));
        try
        {
            var line = await client.ReceiveToEndAsync();
            return line.Length == 0 ? null : JsonSerializer.Deserialize<JsonElement>(line);
        }
        catch (System.Net.Sockets.SocketException e) when (EchoClient.IsReset(e))
        {
            return null;
        }
    }

    private static async Task<bool> EchoesAsync(Ports ports)
    {
        using var client = await EchoClient.TryEnterAsync(new IPEndPoint(IPAddress.Loopback, ports.Front.Port), "Hello");
        return client is not null;
    }

    /// <summary>Free ports for everything that listens.</summary>
    private sealed class Ports : IDisposable
    {
        public HeldPort Front { get; } = new();

        public HeldPort WhoFront { get; } = new();

        public HeldPort Stats { get; } = new();

        public HeldPort[] Echo { get; } = [new(), new()];

        public HeldPort[] Who { get; } = [new(), new()];

        public HeldPort[] Peers { get; } = [new(), new()];

        public HeldPort[] Http { get; } = [new(), new()];

        public void Dispose()
        {
            foreach (var port in (HeldPort[])[Front, WhoFront, Stats, .. Echo, .. Who, .. Peers, .. Http])
            {
                port.Dispose();
            }
        }
    }

    /// <summary>Prometheus' file and the rules as they are, with targets of the test's own beside them.</summary>
    private sealed class PrometheusFolder : IDisposable
    {
        public PrometheusFolder(Ports ports)
        {
            System.IO.File.Copy(System.IO.Path.Combine(ComposeFile.Folder, "prometheus.yml"), File);
            Directory.CreateDirectory($"{Path}/rules");
            foreach (var rules in Directory.GetFiles(Repository.File("deploy/prometheus/rules")))
            {
                System.IO.File.Copy(rules, $"{Path}/rules/{System.IO.Path.GetFileName(rules)}");
            }

            Directory.CreateDirectory($"{Path}/targets");
            System.IO.File.WriteAllText($"{Path}/targets/echohost.yml", $"- targets: [\"{ports.Http[0].Name}\", \"{ports.Http[1].Name}\"]\n");
            System.IO.File.WriteAllText($"{Path}/targets/haproxy.yml", $"- targets: [\"{ports.Stats.Name}\"]\n");
        }

        public string Path { get; } = Directory.CreateTempSubdirectory("echohost-prometheus").FullName;

        public string File => $"{Path}/prometheus.yml";

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
