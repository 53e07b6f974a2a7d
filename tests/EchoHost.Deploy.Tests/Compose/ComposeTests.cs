using System.Net;
using EchoHost.Configuration;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Deploy.Tests.Infrastructure;
using EchoHost.Drain;

namespace EchoHost.Deploy.Tests.Compose;

/// <summary>The files of <c>deploy/compose</c>, with each other and with the host's settings.</summary>
public class ComposeTests
{
    private static readonly string[] Hosts = ["echohost-1", "echohost-2"];

    [Fact]
    public async Task Docker_compose_takes_the_file_and_every_file_that_it_mounts_is_there()
    {
        var compose = await ComposeFile.ReadAsync();
        Assert.Equal([.. Hosts, "grafana", "haproxy", "prometheus"], compose.Services.Keys.Order());
        var mounted = compose.Services.Values.SelectMany(service => service.Volumes).Select(volume => volume.Split(':')[0]).Where(Path.IsPathRooted).ToArray();
        Assert.NotEmpty(mounted);
        Assert.All(mounted, path => Assert.True(Path.Exists(path), $"{path} is mounted, but it is not there"));
    }

    [Fact]
    public async Task Hosts_have_the_time_that_a_drain_takes_and_trust_the_balancer_alone()
    {
        var compose = await ComposeFile.ReadAsync();
        var balancer = compose.Services["haproxy"].Networks["default"]!.Address;
        Assert.All(Hosts, name =>
        {
            var settings = Image.Settings(compose.Environment(name));
            Assert.True(Duration.TryParse(compose.Services[name].StopGracePeriod, out var grace));
            Assert.True(grace >= DrainService.Longest(settings.Echo.Drain) + TimeSpan.FromSeconds(10));
            Assert.Equal([balancer], settings.Echo.ProxyHeaders.TrustedProxies.Texts);
            Assert.Equal(name, settings.Instance.Name);
            var version = typeof(DrainService).Assembly.GetName().Version!;
            Assert.Equal($"echohost:{version.ToString(3)}", compose.Services[name].Image);
        });
    }

    /// <summary>Two services that build the same image would do so side by side, and each write its name.</summary>
    [Fact]
    public async Task The_image_is_built_once_and_before_the_host_that_only_uses_it()
    {
        var services = (await ComposeFile.ReadAsync()).Services;
        Assert.Equal(["echohost-1"], services.Where(service => service.Value.Build is not null).Select(service => service.Key));
        var before = services["echohost-2"].DependsOn is IDictionary<object, object> conditions
            ? conditions.Keys
            : (IEnumerable<object>)services["echohost-2"].DependsOn!;
        Assert.Equal(["echohost-1"], before);
    }

    [Fact]
    public async Task No_other_container_gets_the_address_of_the_balancer()
    {
        var compose = await ComposeFile.ReadAsync();
        var balancer = IPAddress.Parse(compose.Services["haproxy"].Networks["default"]!.Address);
        var subnet = Assert.Single(compose.Networks["default"].Ipam.Config);
        Assert.True(IPNetwork.Parse(subnet.Subnet).Contains(balancer));
        Assert.True(IPNetwork.Parse(subnet.Subnet).Contains(IPNetwork.Parse(subnet.Range).BaseAddress));
        Assert.False(IPNetwork.Parse(subnet.Range).Contains(balancer));
    }

    [Fact]
    public async Task The_balancer_and_the_peers_ask_at_the_ports_on_which_the_hosts_listen()
    {
        var compose = await ComposeFile.ReadAsync();
        var balancer = HAProxyFile.Variables();
        foreach (var (name, number) in Hosts.Zip(["1", "2"]))
        {
            var settings = Image.Settings(compose.Environment(name));
            var ports = settings.Endpoints.Raw.ToDictionary(endpoint => endpoint.Name, endpoint => ((IPEndPoint)endpoint.Addresses[0]).Port);
            Assert.Equal($"{name}:{ports["Tcp"]}", balancer[$"ECHO_{number}"]);
            Assert.Equal($"{name}:{ports["Who"]}", balancer[$"WHO_{number}"]);
            var http = Assert.Single(settings.Endpoints.Http).Port;
            Assert.Equal($"{http}", balancer[$"HTTP_{number}"]);
            Assert.Contains($"{name}:{http}", File.ReadAllText(Path.Combine(ComposeFile.Folder, "targets/echohost.yml")), StringComparison.Ordinal);

            // A peer that asks for a header can't be probed: the one for peers asks for none.
            Assert.Equal(Hosts.Select(host => (host, ports["Peers"])), settings.Peers.Targets.Select(target => (target.Host, target.Port)));
            var behindTheBalancer = settings.Endpoints.Raw.Where(endpoint => endpoint.ProxyProtocol == ProxyProtocolMode.Required);
            Assert.Equal(["Tcp", "Who"], behindTheBalancer.Select(endpoint => endpoint.Name).Order());
        }

        var published = compose.Services["haproxy"].Published.ToArray();
        Assert.All(["ECHO", "WHO"], front => Assert.Contains($"{balancer[front][1..]}{balancer[front]}", published));
    }

    /// <summary>Only echo is for others: the rest shows clients' addresses and needs no login.</summary>
    [Fact]
    public async Task Everything_but_the_echo_is_published_to_this_machine_alone()
    {
        var published = (await ComposeFile.ReadAsync()).Services.SelectMany(service => service.Value.Published).ToArray();
        Assert.Equal(["5555:5555", "5557:5557"], published.Where(port => !port.StartsWith("127.0.0.1:", StringComparison.Ordinal)).Order());
    }
}
