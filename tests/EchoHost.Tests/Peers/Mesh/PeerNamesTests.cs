using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using EchoHost.Endpoints;
using EchoHost.Peers;
using EchoHost.Peers.Mesh;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Peers.Mesh;

public class PeerNamesTests
{
    private const string Service = "echo.example";

    [Fact]
    public async Task Every_address_of_a_name_is_a_peer_but_the_hosts_own()
    {
        using var held = new HeldPort("127.0.0.1", "127.0.0.2", "127.0.0.3");
        var name = $"{Service}:{held.Port}";
        var (second, third) = ($"127.0.0.2:{held.Port}", $"127.0.0.3:{held.Port}");
        var resolver = new FakeResolver("127.0.0.1", "::ffff:127.0.0.2", "127.0.0.2");
        await using var other = await EchoHostFixture.StartAsync($"Echo:Endpoints:Tcp:Url=tcp://{second}");
        await using var host = await MeshHost.StartAsync(resolver, held.Setting, $"Peers:Dns:0={name}");
        await host.UntilStateAsync(second, "up");
        Assert.Equal([second], (await host.PeersAsync()).Keys);
        Assert.Equal("Dns", (await host.PeersAsync())[second].GetProperty("source").GetString());
        Assert.Equal($"Peer {second} found by the name {name}", Assert.Single(host.Log.Lines, l => l.Contains("found", StringComparison.Ordinal)));

        // A peer joins.
        await using (await EchoHostFixture.StartAsync($"Echo:Endpoints:Tcp:Url=tcp://{third}"))
        {
            resolver.Answer("127.0.0.3", "127.0.0.1", "127.0.0.2");
            await host.UntilLoggedAsync($"Peer {third} found by the name {name}");
            await host.UntilStateAsync(third, "up");
            await host.UntilMeasuredAsync($"echohost_peer_rtt_seconds_count{{peer=\"{third}\"}}", count => count > 0);
        }

        // It leaves: all of its series are gone, and the counters of the others stay.
        var before = await host.SeriesAsync();
        resolver.Answer("127.0.0.1", "127.0.0.2");
        await host.UntilLoggedAsync($"Peer {third} left: no name has its address any more");
        await host.UntilNoSeriesAsync(third);
        var after = await host.SeriesAsync();
        Assert.Equal([second], (await host.PeersAsync()).Keys);
        Assert.Equal(
            before.Keys.Where(s => s.Contains(second, StringComparison.Ordinal) && !s.Contains("rtt", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            after.Keys.Where(s => s.Contains("peer=", StringComparison.Ordinal) && !s.Contains("rtt", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        var ok = $"echohost_peer_probes_total{{peer=\"{second}\",result=\"ok\"}}";
        Assert.True(after[ok] >= before[ok]);
        await host.UntilMeasuredAsync($"echohost_peer_rtt_seconds_count{{peer=\"{second}\"}}", count => count > 0);
        Assert.DoesNotContain((await host.SeriesAsync()).Keys, series => series.Contains(third, StringComparison.Ordinal));

        // It returns as a new peer.
        resolver.Answer("127.0.0.2", "127.0.0.3");
        await host.UntilLoggedAsync($"Peer {third} found by the name {name}", times: 2);
        await host.UntilMeasuredAsync($"echohost_peer_probes_total{{peer=\"{third}\",result=\"refused\"}}", count => count > 0);
        Assert.Equal(0, (await host.SeriesAsync())[$"echohost_peer_probes_total{{peer=\"{third}\",result=\"ok\"}}"]);
        await host.UntilReadyAsync();
    }

    [Theory]
    [InlineData(SocketError.HostNotFound)]
    [InlineData(SocketError.NoData)]
    public async Task A_name_without_an_address_has_no_peers(SocketError error)
    {
        await using var stub = StubPeer.Echoes();
        var resolver = new FakeResolver("127.0.0.1");
        await using var host = await MeshHost.StartAsync(resolver, $"Peers:Dns:0={Service}:{stub.Address.Port}");
        await host.UntilStateAsync(stub.Name, "up");
        resolver.Answer(error);
        await host.UntilLoggedAsync($"The name {Service}:{stub.Address.Port} has no address");
        await Wait.UntilAsync(async () => (await host.PeersAsync()).Count == 0, "no peer is left");
        await Wait.UntilAsync(async () => (await host.SeriesAsync()).Count == 0, "no series is left");

        // Logged once, however often it happens.
        await AskedAgainAsync(resolver);
        Assert.Single(host.Log.Lines, l => l.StartsWith("The name", StringComparison.Ordinal));
        resolver.Answer("127.0.0.1");
        await host.UntilStateAsync(stub.Name, "up");
        await host.UntilLoggedAsync($"The name {Service}:{stub.Address.Port} is resolved again");
        Assert.Equal(2, host.Log.Lines.Count(l => l.StartsWith("The name", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_empty_answer_is_the_same_as_none()
    {
        var resolver = new FakeResolver(addresses: []);
        await using var host = await MeshHost.StartAsync(resolver, $"Peers:Dns:0={Service}:5555");
        await host.UntilLoggedAsync($"The name {Service}:5555 has no address");
        await AskedAgainAsync(resolver);
        Assert.Single(host.Log.Lines, l => l.StartsWith("The name", StringComparison.Ordinal));
        Assert.Empty(await host.PeersAsync());
    }

    [Theory]
    [InlineData("no answer in time", "no answer within 60 s")]
    [InlineData("not sure", null)]
    [InlineData("not foreseen", "something else")]
    public async Task While_nobody_can_say_the_peers_stay_as_they_were(string how, string? error)
    {
        await using var stub = StubPeer.Echoes();
        var name = $"{Service}:{stub.Address.Port}";
        var resolver = new FakeResolver("127.0.0.1");
        // Lookups alone run on a fast clock: probes have as much time as they need.
        var time = new FakeTimeProvider();
        using var clock = new Timer(_ => time.Advance(TimeSpan.FromSeconds(1)), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(5));
        await using var host = await EchoHostFixture.StartAsync(
            services => services.AddSingleton<INameResolver>(resolver)
                .AddSingleton(provider => ActivatorUtilities.CreateInstance<PeerNames>(provider, time)),
            $"Peers:Dns:0={name}", "Peers:Timeout=00:01:00");
        await host.UntilStateAsync(stub.Name, "up");
        resolver.Answer((_, _) => how switch
        {
            "no answer in time" => new TaskCompletionSource<IPAddress[]>().Task,
            "not sure" => Task.FromException<IPAddress[]>(new SocketException((int)SocketError.TryAgain)),
            _ => throw new InvalidOperationException("something else"),
        });
        var start = $"The name {name} can't be resolved, its peers stay as they were: ";
        await host.UntilLoggedAsync(e => e.Text.StartsWith(start, StringComparison.Ordinal), "it is said");
        await AskedAgainAsync(resolver);
        var line = Assert.Single(host.Log.Lines, l => l.StartsWith("The name", StringComparison.Ordinal));
        Assert.Equal(start + (error ?? $"{Service} can't be resolved: no name server answers for it"), line);
        Assert.Equal("up", await host.StateAsync(stub.Name));
        Assert.Equal(1, (await host.SeriesAsync())[$"echohost_peer_up{{peer=\"{stub.Name}\"}}"]);

        resolver.Answer("127.0.0.1");
        await host.UntilLoggedAsync($"The name {name} is resolved again");
        Assert.Equal(["found by the name " + name, "is reachable"], host.Said(stub.Name));
    }

    /// <summary>
    /// A peer may leave more than once: a report about a peer that is no longer probed must not end the resolving.
    /// </summary>
    [Fact]
    public async Task Peers_may_leave_and_come_back_for_ever()
    {
        await using var stub = StubPeer.Echoes();
        var name = $"{Service}:{stub.Address.Port}";
        var resolver = new FakeResolver("127.0.0.1");
        await using var host = await MeshHost.StartAsync(resolver, $"Peers:Dns:0={name}");
        for (var times = 1; times <= 3; times++)
        {
            await host.UntilStateAsync(stub.Name, "up");
            resolver.Answer(addresses: []);
            await Wait.UntilAsync(async () => (await host.PeersAsync()).Count == 0, "it has left");
            resolver.Answer("127.0.0.1");
        }

        await host.UntilStateAsync(stub.Name, "up");
    }

    [Fact]
    public async Task A_peer_that_is_a_target_too_is_there_once_and_stays()
    {
        await using StubPeer both = StubPeer.Echoes();
        var resolver = new FakeResolver("127.0.0.1");
        await using var host = await MeshHost.StartAsync(resolver, $"Peers:Targets:0={both.Name}", $"Peers:Dns:0={Service}:{both.Address.Port}");
        await host.UntilStateAsync(both.Name, "up");
        await AskedAgainAsync(resolver);
        Assert.Equal("Targets", Assert.Single(await host.PeersAsync()).Value.GetProperty("source").GetString());
        resolver.Answer(SocketError.HostNotFound);
        await host.UntilLoggedAsync($"The name {Service}:{both.Address.Port} has no address");
        await AskedAgainAsync(resolver);
        Assert.Equal("up", await host.StateAsync(both.Name));
        Assert.Equal(["is reachable"], host.Said(both.Name));
    }

    [Fact]
    public async Task A_name_that_fails_does_not_take_from_another()
    {
        await using StubPeer stub = StubPeer.Echoes();
        var resolver = new FakeResolver((name, _) =>
            name == "good.example" ? Task.FromResult(new[] { IPAddress.Loopback }) : new TaskCompletionSource<IPAddress[]>().Task);
        await using var host = await MeshHost.StartAsync(
            resolver,
            $"Peers:Dns:0=bad.example:{stub.Address.Port}",
            $"Peers:Dns:1=good.example:{stub.Address.Port}",
            "Peers:Timeout=00:10:00");
        await host.UntilStateAsync(stub.Name, "up");
    }

    [Fact]
    public async Task An_address_of_two_names_stays_until_neither_has_it()
    {
        await using StubPeer stub = StubPeer.Echoes();
        var port = stub.Address.Port;
        var has = new HashSet<string> { "one.example", "two.example" };
        var resolver = new FakeResolver((name, _) => Task.FromResult(has.Contains(name) ? [IPAddress.Loopback] : Array.Empty<IPAddress>()));
        await using var host = await MeshHost.StartAsync(resolver, $"Peers:Dns:0=one.example:{port}", $"Peers:Dns:1=two.example:{port}");
        await host.UntilStateAsync(stub.Name, "up");
        has = ["two.example"];
        await host.UntilLoggedAsync($"The name one.example:{port} has no address");
        await AskedAgainAsync(resolver);
        Assert.Equal("up", await host.StateAsync(stub.Name));
        has = [];
        await host.UntilLoggedAsync($"Peer {stub.Name} left: no name has its address any more");
    }

    [Fact]
    public async Task On_a_wildcard_every_address_of_the_machine_is_the_hosts_own()
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:Endpoints:Tcp:Url=tcp://*:0");
        var port = ((IPEndPoint)host.Tcp).Port;
        var machine = NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Select(own => new IPAddress(own.Address.GetAddressBytes()))
            .ToArray();
        Assert.NotEmpty(machine);
        var own = Own(host);
        IPAddress[] all =
        [
            .. machine,
            IPAddress.Loopback,
            IPAddress.IPv6Loopback,
            IPAddress.Parse("127.0.0.9"),
            IPAddress.Parse("192.0.2.1"),
            IPAddress.Parse("2001:db8::1"),
        ];
        Assert.Equal(["192.0.2.1", "2001:db8::1"], all.Where(a => !own.At(port)(a)).Select(a => a.ToString()));
        // On another port there is no host.
        Assert.DoesNotContain(all, own.At(port == 1 ? 2 : 1));
        // Another machine's 127.0.0.1 is that machine.
        Assert.Equal(machine.Where(a => !IPAddress.IsLoopback(a)), all.Where(a => own.At(port, seenFromOutside: true)(a)));
    }

    [Fact]
    public async Task On_one_address_only_that_is_the_hosts_own()
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:Endpoints:Second:Url=tcp://127.0.0.1:0");
        var port = ((IPEndPoint)host.EndPoints["Second"]).Port;
        IPAddress[] all = [IPAddress.Loopback, IPAddress.Parse("127.0.0.2"), IPAddress.IPv6Loopback];
        Assert.Equal([IPAddress.Loopback], all.Where(a => Own(host).At(port, seenFromOutside: true)(a)));
        Assert.Equal(["127.0.0.2", "::1"], all.Where(a => !Own(host).At(port)(a)).Select(a => a.ToString()));
    }

    [Fact]
    public async Task Names_are_looked_up_by_the_system()
    {
        const string hosts = "/etc/hosts";
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && IsWritable(hosts), $"{hosts} can't be written");
        using var held = new HeldPort("127.0.0.1", "127.0.0.2", "127.0.0.3");
        await using var second = StubPeer.Echoes(new IPEndPoint(IPAddress.Parse("127.0.0.2"), held.Port));
        await using var third = StubPeer.Echoes(new IPEndPoint(IPAddress.Parse("127.0.0.3"), held.Port));
        var name = $"echo-{Guid.NewGuid():n}.example";
        string[] lines = [$"127.0.0.1 {name}", $"127.0.0.2 {name}", $"127.0.0.3 {name}"];
        using var turn = await TurnAsync();
        var before = new FileInfo(hosts).Length;
        try
        {
            await File.AppendAllTextAsync(hosts, "\n" + string.Concat(lines.Select(line => line + "\n")));
            await using var host = await EchoHostFixture.StartAsync(MeshHost.Interval, held.Setting, $"Peers:Dns:0={name}:{held.Port}");
            await host.UntilStateAsync(second.Name, "up");
            await host.UntilStateAsync(third.Name, "up");
            Assert.Equal(2, (await host.PeersAsync()).Count);
            Shorten(hosts, new FileInfo(hosts).Length - lines[2].Length - 1);
            await host.UntilLoggedAsync($"Peer {third.Name} left: no name has its address any more");
            Assert.Equal([second.Name], (await host.PeersAsync()).Keys);
        }
        finally
        {
            Shorten(hosts, before);
        }
    }

    private static OwnAddresses Own(EchoHostFixture host) =>
        new(host.Services.GetRequiredService<ListenEndpoints>(), host.Services.GetRequiredService<BoundEndpoints>());

    /// <summary>Waits for further lookups: a line that is repeated would have been logged twice by then.</summary>
    private static async Task AskedAgainAsync(FakeResolver resolver)
    {
        var asked = resolver.Asked;
        await Wait.UntilAsync(() => resolver.Asked >= asked + 3, "the name is asked for again");
    }

    private static bool IsWritable(string path)
    {
        try
        {
            using var file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>
    /// Truncates the file in place, because a container does not let it be replaced, and in one call, because others read
    /// it meanwhile.
    /// </summary>
    private static void Shorten(string path, long length)
    {
        using var file = File.Open(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(length);
    }

    /// <summary>Takes a lock, so that only one run of these tests at a time changes the machine's names.</summary>
    private static async Task<FileStream> TurnAsync()
    {
        FileStream? turn = null;
        await Wait.UntilAsync(
            () =>
            {
                try
                {
                    turn = new FileStream(
                        Path.Combine(Path.GetTempPath(), "echohost-tests-hosts.lock"),
                        FileMode.OpenOrCreate,
                        FileAccess.ReadWrite,
                        FileShare.None);
                    return true;
                }
                catch (IOException)
                {
                    return false;
                }
            },
            "no other test changes the machine's names");
        return turn!;
    }
}
