using System.Text.Json;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Balancers;

/// <summary><c>EchoHost who</c> through Debian's HAProxy and nginx: which instances answer, and what they see of the client.</summary>
public sealed class WhoThroughBalancersTests : IAsyncLifetime
{
    private const string Trusted = "Echo:TrustedProxies:0=127.0.0.1";

    private readonly TestCertificate _certificate = new();
    private EchoHostFixture _one = null!;
    private EchoHostFixture _two = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs the whole of 127.0.0.0/8");
        _one = await StartAsync("echo-1");
        _two = await StartAsync("echo-2");
    }

    public async ValueTask DisposeAsync()
    {
        if (_one is not null)
        {
            await _one.DisposeAsync();
        }

        if (_two is not null)
        {
            await _two.DisposeAsync();
        }

        _certificate.Dispose();
    }

    [Theory]
    [InlineData("roundrobin", 1, 1, 200, 200)]
    [InlineData("roundrobin", 1, 3, 100, 300)]
    [InlineData("static-rr", 1, 3, 100, 300)]
    public async Task Shares_are_those_of_the_weights(string algorithm, int first, int second, int ones, int twos)
    {
        using var haproxy = await BalanceAsync(algorithm, $"weight {first}", $"weight {second}");
        var spread = await SpreadAsync(haproxy, 400);
        // In turn, to one or two connections: those that HAProxy makes at the same moment may change places.
        Assert.InRange(Connections(spread, "echo-1"), ones - 4, ones + 4);
        Assert.InRange(Connections(spread, "echo-2"), twos - 4, twos + 4);
        Assert.Equal(first != second, spread.GetProperty("moreThanChance").GetBoolean());
        Assert.Equal("""{"count":1,"withSeveralInstances":1}""", spread.GetProperty("sourceAddresses").GetRawText());
    }

    [Fact]
    public async Task With_leastconn_one_connection_at_a_time_goes_to_each_in_turn()
    {
        using var haproxy = await BalanceAsync("leastconn");
        var spread = await SpreadAsync(haproxy, 100, "--parallel", "1");
        Assert.InRange(Connections(spread, "echo-1"), 10, 90);
        Assert.Equal(100, Connections(spread, "echo-1") + Connections(spread, "echo-2"));
    }

    [Fact]
    public async Task With_source_an_address_meets_one_instance()
    {
        using var haproxy = await BalanceAsync("source");
        var spread = await SpreadAsync(haproxy, 50);
        Assert.Single(spread.GetProperty("instances").EnumerateArray());
        Assert.Equal("""{"count":1,"withSeveralInstances":0}""", spread.GetProperty("sourceAddresses").GetRawText());
    }

    /// <summary>A backend that is down is no instance; what HAProxy does to its share of connections shows as errors.</summary>
    [Fact]
    public async Task A_dead_backend_shows_as_errors()
    {
        using var dead = new HeldPort();
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $"""
            listen who
              bind 127.0.0.1:{ports[0]}
              balance roundrobin
              retries 0
              server one {_one.Tcp} send-proxy-v2
              server dead {dead.Name}
            """);
        var (code, output, _) = await WhoAsync(haproxy, "--count", "20", "--parallel", "1", "--json");
        Assert.Equal(1, code);
        var spread = JsonDocument.Parse(output[0]).RootElement;
        Assert.Equal(10, Connections(spread, "echo-1"));
        Assert.Equal(10, spread.GetProperty("errors").EnumerateObject().Sum(error => error.Value.GetInt32()));
    }

    [Theory]
    [InlineData("send-proxy")]
    [InlineData("send-proxy-v2")]
    public async Task The_clients_address_comes_through(string option)
    {
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $"""
            listen who
              bind 127.0.0.1:{ports[0]}
              server one {_one.Tcp} {option}
            """);
        var answer = await AnswerAsync(haproxy, "--source", "127.0.0.9");
        Assert.StartsWith("127.0.0.9:", answer.GetProperty("peer").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("127.0.0.1:", answer.GetProperty("via").GetString(), StringComparison.Ordinal);
        Assert.Equal(_one.Tcp.ToString(), answer.GetProperty("local").GetString());
        Assert.Equal(option == "send-proxy" ? 1 : 2, answer.GetProperty("proxy").GetProperty("version").GetInt32());
    }

    [Fact]
    public async Task What_HAProxy_ends_and_adds_is_told()
    {
        var pem = Path.Combine(_certificate.Folder, "both.pem");
        await File.WriteAllTextAsync(pem, await File.ReadAllTextAsync(_certificate.CertificatePath) + "\n" + await File.ReadAllTextAsync(_certificate.KeyPath));
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $$"""
            listen who
              bind 127.0.0.1:{{ports[0]}} ssl crt {{pem}}
              unique-id-format id-%ci-%cp
              server one {{_one.Tcp}} send-proxy-v2 proxy-v2-options ssl,authority,crc32c,unique-id
            """);
        var answer = await AnswerAsync(haproxy, "--tls", "--insecure", "--servername", "localhost");
        var proxy = answer.GetProperty("proxy");
        Assert.Equal("localhost", proxy.GetProperty("authority").GetString());
        Assert.Equal($"id-{answer.GetProperty("peer").GetString()!.Replace(':', '-')}", proxy.GetProperty("uniqueId").GetString());
        Assert.Equal("TLSv1.3", proxy.GetProperty("tls").GetProperty("version").GetString());
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("tls").ValueKind);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("ssl verify none", false)]
    public async Task TLS_passes_through_or_begins_at_HAProxy(string serverOptions, bool isClientsTls)
    {
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $"""
            listen who
              bind 127.0.0.1:{ports[0]}
              server one {_one.EndPoints["Tls"]} send-proxy-v2 {serverOptions}
            """);
        var answer = await AnswerAsync(haproxy, isClientsTls ? ["--tls", "--insecure", "--servername", "echo.example"] : []);
        var tls = answer.GetProperty("tls");
        Assert.Equal("TLSv1.3", tls.GetProperty("protocol").GetString());
        Assert.Equal(isClientsTls ? "echo.example" : null, tls.GetProperty("serverName").GetString());
        Assert.Equal(JsonValueKind.Null, tls.GetProperty("clientCertificate").ValueKind);
    }

    [Fact]
    public async Task Through_nginx_too()
    {
        using var nginx = await Balancer.NginxAsync(1, ports => $$"""
            upstream hosts { server {{_one.Tcp}}; server {{_two.Tcp}}; }
            server { listen 127.0.0.1:{{ports[0]}}; proxy_pass hosts; proxy_protocol on; }
            """);
        var spread = await SpreadAsync(nginx, 40, "--parallel", "1");
        Assert.Equal((20, 20), (Connections(spread, "echo-1"), Connections(spread, "echo-2")));
    }

    private Task<EchoHostFixture> StartAsync(string name) => EchoHostFixture.StartAsync([
        .. _certificate.Settings,
        $"Instance:Name={name}",
        "Echo:Endpoints:Tcp:Service=Who",
        "Echo:Endpoints:Tcp:ProxyProtocol=Required",
        "Echo:Endpoints:Tls:Service=Who",
        "Echo:Endpoints:Tls:ProxyProtocol=Required",
        Trusted]);

    private Task<Balancer> BalanceAsync(string algorithm, string first = "", string second = "") => Balancer.HAProxyAsync(1, ports => $"""
        listen who
          bind 127.0.0.1:{ports[0]}
          balance {algorithm}
          server one {_one.Tcp} send-proxy-v2 {first}
          server two {_two.Tcp} send-proxy-v2 {second}
        """);

    private static async Task<JsonElement> SpreadAsync(Balancer balancer, int count, params string[] args)
    {
        var (code, output, errors) = await WhoAsync(balancer, ["--count", $"{count}", "--json", .. args]);
        Assert.True(code == 0, string.Join('\n', [.. output, .. errors]));
        return JsonDocument.Parse(Assert.Single(output)).RootElement;
    }

    private static async Task<JsonElement> AnswerAsync(Balancer balancer, params string[] args)
    {
        var (code, output, errors) = await WhoAsync(balancer, ["--json", .. args]);
        Assert.True(code == 0, string.Join('\n', errors));
        return JsonDocument.Parse(Assert.Single(output)).RootElement;
    }

    private static Task<(int Code, string[] Output, string[] Errors)> WhoAsync(Balancer balancer, params string[] args) =>
        TestCommand.RunAsync(["who", balancer.Fronts[0].ToString(), "--timeout", "1m", .. args]);

    private static int Connections(JsonElement spread, string instance) => spread.GetProperty("instances").EnumerateArray()
        .Single(i => i.GetProperty("instance").GetString() == instance).GetProperty("connections").GetInt32();
}
