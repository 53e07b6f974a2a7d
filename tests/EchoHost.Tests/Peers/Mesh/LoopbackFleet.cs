using EchoHost.Peers;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>Hosts in this process, each on an address of its own in 127.0.0.0/8, that find each other by one name.</summary>
internal sealed class LoopbackFleet : IAsyncDisposable
{
    private readonly Dictionary<string, EchoHostFixture> _hosts = [];
    private readonly FakeResolver _resolver;
    private readonly HeldPort _echo;
    private readonly HeldPort _http;
    private readonly string[] _settings;

    private LoopbackFleet(string[] addresses, string[] settings)
    {
        _resolver = new FakeResolver(addresses);
        (_echo, _http) = (new HeldPort(addresses), new HeldPort(addresses));
        _settings = settings;
        Names = [.. addresses.Select(address => $"{address}:{_echo.Port}")];
    }

    /// <summary>The hosts' names as peers, also of those that have left.</summary>
    public IReadOnlyList<string> Names { get; }

    public EchoHostFixture this[string name] => _hosts[name];

    /// <summary>Starts hosts called <c>echo-1</c>, <c>echo-2</c> and so on.</summary>
    public static async Task<LoopbackFleet> StartAsync(int count, params string[] settings)
    {
        var fleet = new LoopbackFleet([.. Enumerable.Range(1, count).Select(i => $"127.0.1.{i}")], settings);
        foreach (var name in fleet.Names)
        {
            await fleet.StartHostAsync(name);
        }

        return fleet;
    }

    /// <summary>Waits until every host's last probes of so many peers came back.</summary>
    public async Task UntilAllUpAsync(int peers)
    {
        foreach (var host in _hosts.Values)
        {
            await Wait.UntilAsync(
                async () => (await host.PeersAsync()).Values is var all && all.Count() == peers && all.All(peer => peer.GetProperty("up").GetBoolean()),
                "a host reaches all that it probes");
        }
    }

    /// <summary>The peers that each host probes.</summary>
    public async Task<IReadOnlyDictionary<string, IReadOnlySet<string>>> ChoicesAsync()
    {
        Dictionary<string, IReadOnlySet<string>> choices = [];
        foreach (var (name, host) in _hosts)
        {
            choices[name] = (await host.PeersAsync()).Keys.ToHashSet();
        }

        return choices;
    }

    /// <summary>Stops a host, after its address has left the name.</summary>
    public async Task LeaveAsync(string name)
    {
        _hosts.Remove(name, out var host);
        Publish();
        await host!.DisposeAsync();
    }

    /// <summary>Stops a host; its address stays in the name.</summary>
    public async Task DieAsync(string name)
    {
        _hosts.Remove(name, out var host);
        await host!.DisposeAsync();
    }

    /// <summary>Starts a host that has left, and adds its address to the name.</summary>
    public async Task JoinAsync(string name)
    {
        await StartHostAsync(name);
        Publish();
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_hosts.Values.Select(host => host.DisposeAsync().AsTask()));
        _echo.Dispose();
        _http.Dispose();
    }

    private void Publish() => _resolver.Answer([.. _hosts.Keys.Select(AddressOf)]);

    private async Task StartHostAsync(string name) =>
        _hosts[name] = await EchoHostFixture.StartAsync(
            services => services.AddSingleton<INameResolver>(_resolver),
            [
                $"Instance:Name=echo-{Names.TakeWhile(other => other != name).Count() + 1}",
                $"Echo:Endpoints:Tcp:Url=tcp://{name}",
                $"Urls=http://{AddressOf(name)}:{_http.Port}",
                "Echo:EventLoops=1",
                MeshHost.Interval,
                $"Peers:Dns:0=echo.example:{_echo.Port}",
                $"Peers:HttpPort={_http.Port}",
                .. _settings,
            ]);

    private static string AddressOf(string name) => name[..name.LastIndexOf(':')];
}
