using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using EchoHost.Deploy.Tests.Infrastructure;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Deploy.Tests.Watching;

/// <summary>
/// Three hosts, HAProxy in front of two of them, and Prometheus, started from the files of deploy/compose and
/// deploy/prometheus. What differs: addresses and ports, since all run on this machine; and time. Prometheus scrapes and
/// evaluates every second, a path counts as broken after 5 seconds in place of a minute, and an alert waits for 2 seconds,
/// whatever its <c>for</c>.
/// </summary>
internal sealed partial class WatchedFleet : IAsyncDisposable
{
    private const string Token = "0123456789abcdef";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("echohost-fleet");
    private readonly TestCertificate _certificate = new();
    private readonly List<HeldPort> _ports = [];
    private ToolProcess? _haproxy;
    private readonly HttpClient _http = new() { Timeout = Wait.Limit };

    private WatchedFleet()
    {
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        Front = NewPort();
        Status = NewPort();
        Hosts = [.. Enumerable.Range(1, 3).Select(number => new Host(number, NewPort(), NewPort(), NewPort(), NewPort(), NewPort()))];
    }

    /// <summary>Where HAProxy takes clients.</summary>
    public HeldPort Front { get; }

    /// <summary>Where HAProxy has its metrics.</summary>
    public HeldPort Status { get; }

    public IReadOnlyList<Host> Hosts { get; }

    public PrometheusServer Prometheus { get; private set; } = null!;

    public static async Task<WatchedFleet> StartAsync()
    {
        Tool.Need("prometheus");
        Tool.Need("haproxy");
        var fleet = new WatchedFleet();
        try
        {
            foreach (var host in fleet.Hosts)
            {
                host.Program = EchoHostProcess.Start([], [.. fleet.EnvironmentOf(host).Select(variable => (variable.Key, variable.Value))]);
            }

            string[] arguments = ["-db", "-f", Repository.File("deploy/compose/haproxy.cfg")];
            fleet._haproxy = await ToolProcess.StartAsync("haproxy", arguments, fleet.EnvironmentOfHAProxy(), fleet.Front.Port, fleet.Status.Port);
            fleet.Prometheus = await PrometheusServer.StartAsync(await fleet.WriteConfigurationAsync());
            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        // Shown where the test fails.
        var output = Hosts.SelectMany(host => host.Program is { } program ? program.Errors.Concat(program.Output) : []).Append(_haproxy?.Output);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', output));
        Prometheus?.Dispose();
        _haproxy?.Dispose();
        foreach (var host in Hosts)
        {
            host.Program?.Dispose();
        }

        _ports.ForEach(port => port.Dispose());
        _http.Dispose();
        _certificate.Dispose();
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    public Task<string> MetricsAsync(Host host) => _http.GetStringAsync(new Uri($"http://{host.Http.Name}/metrics"));

    /// <summary>Turns a fault on at run time: a millisecond's delay.</summary>
    public async Task DelayAsync(Host host)
    {
        using var faults = new StringContent("""{"Delay":"1ms"}""", Encoding.UTF8, "application/json");
        using var answer = await _http.PutAsync(new Uri($"http://{host.Http.Name}/endpoints/Tcp/faults?for=5m"), faults);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Sends a message through HAProxy, on a connection of its own.</summary>
    /// <returns>Whether it came back.</returns>
    public async Task<bool> EchoesAsync()
    {
        using var client = await EchoClient.TryEnterAsync(new IPEndPoint(IPAddress.Loopback, Front.Port), "through HAProxy");
        return client is not null;
    }

    private HeldPort NewPort()
    {
        var port = new HeldPort();
        _ports.Add(port);
        return port;
    }

    /// <summary>The environment that compose.yaml gives to its hosts, with the addresses of this machine.</summary>
    private Dictionary<string, string> EnvironmentOf(Host host)
    {
        var compose = File.ReadAllText(Repository.File("deploy/compose/compose.yaml"));
        var shared = compose[compose.IndexOf("x-environment:", StringComparison.Ordinal)..compose.IndexOf("\nservices:", StringComparison.Ordinal)];
        var environment = Setting().Matches(shared).ToDictionary(setting => setting.Groups[1].Value, setting => setting.Groups[2].Value.Trim('"'));
        foreach (var target in environment.Keys.Where(key => key.StartsWith("Peers__Targets__", StringComparison.Ordinal)).ToList())
        {
            environment.Remove(target);
        }

        // The fleet's own view is not asked for here.
        environment.Remove("Peers__HttpPort");

        // Paths and phases of TLS.
        environment["Echo__Endpoints__Tls__Url"] = $"tls://{host.Tls.Name}";
        environment["Echo__Endpoints__Tls__Certificate__Path"] = _certificate.CertificatePath;
        environment["Echo__Endpoints__Tls__Certificate__KeyPath"] = _certificate.KeyPath;
        environment["SSL_CERT_FILE"] = _certificate.CertificatePath;

        environment["Urls"] = $"http://{host.Http.Name}";
        environment["Echo__Endpoints__Tcp__Url"] = $"tcp://{host.Tcp.Name}";
        environment["Echo__Endpoints__Who__Url"] = $"tcp://{host.Who.Name}";
        environment["Echo__Endpoints__Peers__Url"] = $"tcp://{host.Peers.Name}";
        environment["Echo__TrustedProxies__0"] = "127.0.0.0/8";
        environment["Admin__Token"] = Token;
        environment["Instance__Name"] = $"echohost-{host.Number}";
        environment["Instance__Labels__zone"] = $"zone-{host.Number}";
        environment["Peers__Interval"] = "1s";
        string[] targets = [.. Hosts.Select(peer => $"localhost:{peer.Peers.Port}"), $"tls://localhost:{Hosts[0].Tls.Port}"];
        foreach (var (index, target) in targets.Index())
        {
            environment[string.Create(CultureInfo.InvariantCulture, $"Peers__Targets__{index}")] = target;
        }

        return environment;
    }

    private Dictionary<string, string> EnvironmentOfHAProxy() => new()
    {
        ["ECHO"] = Front.Name,
        ["WHO"] = NewPort().Name,
        ["STATS"] = Status.Name,
        ["ECHO_1"] = Hosts[0].Tcp.Name,
        ["ECHO_2"] = Hosts[1].Tcp.Name,
        ["WHO_1"] = Hosts[0].Who.Name,
        ["WHO_2"] = Hosts[1].Who.Name,
        ["HTTP_1"] = Hosts[0].Http.Port.ToString(CultureInfo.InvariantCulture),
        ["HTTP_2"] = Hosts[1].Http.Port.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>prometheus.yml with the rules and the targets beside it, as compose.yaml mounts them.</summary>
    private async Task<string> WriteConfigurationAsync()
    {
        var targets = _folder.CreateSubdirectory("targets").FullName;
        await File.WriteAllTextAsync($"{targets}/echohost.yml", $"- targets: [{string.Join(", ", Hosts.Select(host => $"\"{host.Http.Name}\""))}]\n");
        await File.WriteAllTextAsync($"{targets}/haproxy.yml", $"- targets: [\"{Status.Name}\"]\n");
        var rules = _folder.CreateSubdirectory("rules").FullName;
        foreach (var file in RuleFiles.Rules)
        {
            var text = For().Replace(await File.ReadAllTextAsync(file), "for: 2s");
            text = text.Replace("(echohost_peer_up[1m])", "(echohost_peer_up[5s])", StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(rules, Path.GetFileName(file)), text);
        }

        var configuration = Path.Combine(_folder.FullName, "prometheus.yml");
        var shipped = await File.ReadAllTextAsync(Repository.File("deploy/compose/prometheus.yml"));
        await File.WriteAllTextAsync(configuration, Interval().Replace(shipped, "_interval: 1s"));
        return configuration;
    }

    [GeneratedRegex(@"^  (\w+): (.+)$", RegexOptions.Multiline)]
    private static partial Regex Setting();

    [GeneratedRegex(@"\bfor: \w+")]
    private static partial Regex For();

    [GeneratedRegex(@"_interval: \w+")]
    private static partial Regex Interval();

    internal sealed record Host(int Number, HeldPort Tcp, HeldPort Who, HeldPort Peers, HeldPort Tls, HeldPort Http)
    {
        public EchoHostProcess? Program { get; set; }
    }
}
