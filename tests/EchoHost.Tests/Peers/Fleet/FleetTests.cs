using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using EchoHost.Peers;
using EchoHost.Peers.Fleet;
using EchoHost.Tests.Infrastructure;
using EchoHost.Tests.Peers.Mesh;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Peers.Fleet;

/// <summary><c>GET /fleet</c>, with hosts and with what is none.</summary>
public class FleetTests
{
    private const string Refused = "refused: Connection refused";
    private const string Peer = """{"name":"10.0.0.9:5555","state":"up","lastResult":"ok","lastError":null,"lossPercent":0,"rttMilliseconds":{"p50":0.25}}""";
    private const string View = $$$"""{"instance":"stub","labels":{"zone":"b"},"peers":[{{{Peer}}}]}""";

    [Fact]
    public async Task Without_peers_the_fleet_is_this_host()
    {
        await using var host = await EchoHostFixture.StartAsync("Peers:HttpPort=8080", "Instance:Name=echo-1", "Instance:Labels:zone=a");
        var response = await host.Http.GetAsync("/fleet");
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(
            """{"hosts":[{"instance":"echo-1","labels":{"zone":"a"},"name":null,"self":true,"ageSeconds":0,"error":null,"peers":[]}]}""",
            await response.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.BadRequest, (await host.Http.GetAsync("/fleet?limit=1")).StatusCode);
    }

    [Fact]
    public async Task Every_hosts_view_is_there_and_of_one_that_died_the_last()
    {
        await using var fleet = await LoopbackFleet.StartAsync(3);
        await fleet.UntilAllUpAsync(2);
        var (first, dead) = (fleet[fleet.Names[0]], fleet.Names[2]);
        await Wait.UntilAsync(
            async () => (await HostsAsync(first)).All(h => UpIn(h) == 2),
            "each host has a view of both others");
        var hosts = await HostsAsync(first);
        Assert.Equal(fleet.Names, hosts.Select(Name));
        Assert.Equal(["echo-1", "echo-2", "echo-3"], hosts.Select(h => h.GetProperty("instance").GetString()));
        Assert.Equal([true, false, false], hosts.Select(h => h.GetProperty("self").GetBoolean()));
        Assert.All(hosts, h => Assert.Equal(JsonValueKind.Null, h.GetProperty("error").ValueKind));
        Assert.All(hosts, h => Assert.Equal(fleet.Names.Except([Name(h)]), h.GetProperty("peers").EnumerateArray().Select(Name)));

        await fleet.DieAsync(dead);
        await Wait.UntilAsync(async () => Error(await HostAsync(first, dead)) == Refused, "it is known to be dead");
        await Wait.UntilAsync(async () => (await HostAsync(first, dead)).GetProperty("ageSeconds").GetDouble() > 0, "its view gets older");
        Assert.Equal("echo-3", (await HostAsync(first, dead)).GetProperty("instance").GetString());
        Assert.Equal(fleet.Names.Except([dead]), (await HostAsync(first, dead)).GetProperty("peers").EnumerateArray().Select(Name));
        var survivor = await HostAsync(first, fleet.Names[1]);
        Assert.Null(Error(survivor));
    }

    [Fact]
    public async Task A_host_that_leaves_is_forgotten()
    {
        await using var fleet = await LoopbackFleet.StartAsync(3);
        await fleet.UntilAllUpAsync(2);
        var first = fleet[fleet.Names[0]];
        Assert.Equal(3, (await HostsAsync(first)).Count);
        await fleet.LeaveAsync(fleet.Names[1]);
        await Wait.UntilAsync(async () => (await HostsAsync(first)).Count == 2, "it is gone");
        await fleet.JoinAsync(fleet.Names[1]);
        await Wait.UntilAsync(async () => (await HostsAsync(first)).Count(h => Error(h) is null) == 3, "it is back");
    }

    /// <summary>At full length: 60 real hosts with Fanout 8, the matrix complete.</summary>
    [Fact]
    public async Task With_fanout_the_matrix_is_complete()
    {
        const int fanout = 8;
        var count = TestScale.Of(12, 60);
        await using var fleet = await LoopbackFleet.StartAsync(count, $"Peers:Fanout={fanout}", "Peers:Interval=00:00:02");
        await fleet.UntilAllUpAsync(fanout);
        var first = fleet[fleet.Names[0]];
        await Wait.UntilAsync(
            async () => (await HostsAsync(first)).All(h => Error(h) is null && UpIn(h) == fanout),
            "all views are gathered");
        var hosts = await HostsAsync(first);
        Assert.Equal(fleet.Names.ToHashSet(), hosts.Select(h => Name(h)!).ToHashSet());
        var asked = hosts.SelectMany(h => h.GetProperty("peers").EnumerateArray()).CountBy(p => Name(p)!).ToDictionary();
        Assert.All(fleet.Names, name => Assert.InRange(asked[name], fanout / 2, 2 * fanout));
    }

    [Fact]
    public async Task What_is_no_answer_is_told_in_one_line_and_hides_nothing()
    {
        const string endlessJson = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        var spaces = new string(' ', 65536);
        (string Error, Func<Socket, CancellationToken, Task> Answer)[] cases =
        [
            ("the answer is not HTTP", Text("hello, world\r\n\r\n")),
            ("closed: closed by the peer before the whole answer had come", Text("")),
            ("closed: closed by the peer before the whole answer had come", Text(HttpStub.Json(View)[..^1])),
            ("reset: reset by the peer before the whole answer had come", (socket, _) => Task.FromResult(socket.LingerState = new LingerOption(true, 0))),
            ("status 503", Text("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")),
            ("status 302", Text("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")),
            ("status 204", Text("HTTP/1.1 204 No Content\r\n\r\n")),
            ("the answer is not JSON", Text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")),
            ("the answer is not JSON", Text("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n{}")),
            ("the answer has more than 1 MiB", Text("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2097152\r\n\r\n")),
            ("the answer has more than 1 MiB", Endless($"{endlessJson}\r\n", spaces)),
            ("the answer has more than 1 MiB", Endless($"{endlessJson}Transfer-Encoding: chunked\r\n\r\n", $"10000\r\n{spaces}\r\n")),
            ("the answer's headers are too long", Endless("HTTP/1.1 200 OK\r\n", $"X: {new string('x', 1000)}\r\n")),
            ("the answer is not one of GET /peers: not as expected at $.peers", Text(HttpStub.Json("""{"peers":"<script>"}"""))),
        ];
        await using var stubs = Stubs.Start(cases.Length + 1, i => i < cases.Length ? cases[i].Answer : Text(HttpStub.Json(View)));
        await using var host = await stubs.StartHostAsync();
        for (var i = 0; i < cases.Length; i++)
        {
            var at = await HostAsync(host, stubs.Names[i]);
            Assert.Equal((i, cases[i].Error), (i, Error(at)));
            Assert.Equal(JsonValueKind.Null, at.GetProperty("ageSeconds").ValueKind);
            Assert.Empty(at.GetProperty("peers").EnumerateArray());
        }

        var good = await HostAsync(host, stubs.Names[^1]);
        var age = good.GetProperty("ageSeconds");
        Assert.Equal(
            $$"""{"instance":"stub","labels":{"zone":"b"},"name":"{{stubs.Names[^1]}}","self":false,"""
                + $$"""
                "ageSeconds":{{age}},"error":null,"peers":[{{Peer}}]}
                """,
            good.ToString());
        // The redirection was not followed.
        Assert.Single(stubs.All[5].Requests);
        var request = stubs.All[^1].Requests[0];
        Assert.StartsWith($"GET /peers HTTP/1.1\r\nHost: {IPEndPoint.Parse(stubs.Names[^1]).Address}:{stubs.Port}\r\n", request, StringComparison.Ordinal);
        Assert.Contains("Connection: close\r\n", request, StringComparison.Ordinal);
    }

    /// <summary>An answer in many pieces, of any length up to the limit, is read whole.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_of_a_mebibyte_is_taken(bool hasLength)
    {
        var body = View.PadRight(PeerViewClient.MaxBytes);
        var answer = hasLength ? HttpStub.Json(body) : $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{body}";
        await using var stubs = Stubs.Start(2, i => Text(i == 0 || hasLength ? answer : answer + " "));
        await using var host = await stubs.StartHostAsync();
        Assert.Null(Error(await HostAsync(host, stubs.Names[0])));
        Assert.Equal(hasLength ? null : "the answer has more than 1 MiB", Error(await HostAsync(host, stubs.Names[1])));
    }

    [Fact]
    public async Task A_name_under_which_the_host_does_not_answer_shows_as_a_status()
    {
        await using var other = await EchoHostFixture.StartAsync("AllowedHosts=other.example");
        var resolver = new FakeResolver("127.0.0.1");
        await using var host = await EchoHostFixture.StartAsync(
            services => services.AddSingleton<INameResolver>(resolver),
            $"Peers:HttpPort={other.Http.BaseAddress!.Port}",
            "Peers:Targets:0=echo.example:1");
        Assert.Equal("status 400", Error(await HostAsync(host, "echo.example:1")));
    }

    [Fact]
    public async Task A_name_that_cannot_be_resolved_is_told()
    {
        await using var host = await EchoHostFixture.StartAsync(FakeResolver.ResolvesNothing, "Peers:HttpPort=1", "Peers:Targets:0=echo.example:1");
        Assert.Equal("dns: echo.example can't be resolved: there is no such name", Error(await HostAsync(host, "echo.example:1")));
    }

    /// <summary>As on plain hosts with the same list for all: this host is one of its own targets.</summary>
    [Theory]
    [InlineData("self.example")]
    [InlineData("127.0.0.1")]
    public async Task A_target_that_is_this_host_is_no_other_host(string target)
    {
        using var held = new HeldPort();
        await using var host = await EchoHostFixture.StartAsync(
            services => services.AddSingleton<INameResolver>(new FakeResolver("127.0.0.1")),
            held.Setting, "Peers:HttpPort=1", $"Peers:Targets:0={target}:{held.Port}");
        var self = Assert.Single(await HostsAsync(host));
        Assert.Equal((true, $"{target}:{held.Port}"), (self.GetProperty("self").GetBoolean(), Name(self)));
    }

    [Fact]
    public async Task The_other_hosts_know_this_hosts_name()
    {
        using var held = new HeldPort();
        static string View(params string[] names) =>
            HttpStub.Json($$"""{"peers":[{{string.Join(',', names.Select(name => $$"""{"name":"{{name}}","state":"up"}"""))}}]}""");
        await using var stubs = Stubs.Start(2, i => Text(i == 0 ? View("127.0.0.2:5555", held.Name, "x.example:1") : View("127.0.0.1:1")));
        await using var host = await stubs.StartHostAsync(held.Setting);
        Assert.Equal(held.Name, Name((await HostsAsync(host))[0]));
    }

    [Fact]
    public async Task All_who_ask_share_a_gathering_and_it_is_kept_for_the_interval()
    {
        var time = new FakeTimeProvider();
        var release = new TaskCompletionSource();
        await using var stubs = Stubs.Start(3, _ => async (socket, stop) =>
        {
            await release.Task.WaitAsync(stop);
            await socket.SendAsync(Encoding.UTF8.GetBytes(HttpStub.Json(View)), stop);
        });
        await using var host = await stubs.StartHostAsync(time, "Peers:Interval=00:00:10");
        var requests = Enumerable.Range(0, 20).Select(_ => HostsAsync(host)).ToArray();
        await Wait.UntilAsync(() => stubs.All.All(stub => stub.Requests.Count == 1), "every peer is asked");
        release.SetResult();
        Assert.All(await Task.WhenAll(requests), hosts => Assert.Equal(3, hosts.Count(h => h.GetProperty("instance").GetString() == "stub")));
        await HostsAsync(host);
        time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal(9.9, (await HostAsync(host, stubs.Names[0])).GetProperty("ageSeconds").GetDouble());
        Assert.All(stubs.All, stub => Assert.Single(stub.Requests));
        time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(0, (await HostAsync(host, stubs.Names[0])).GetProperty("ageSeconds").GetDouble());
        Assert.All(stubs.All, stub => Assert.Equal(2, stub.Requests.Count));
    }

    [Fact]
    public async Task HEAD_asks_no_host()
    {
        await using var stubs = Stubs.Start(1, _ => Text(HttpStub.Json(View)));
        await using var host = await stubs.StartHostAsync();
        using var request = new HttpRequestMessage(HttpMethod.Head, "/fleet");
        Assert.Equal(HttpStatusCode.OK, (await host.Http.SendAsync(request)).StatusCode);
        Assert.Empty(stubs.All[0].Requests);
        await HostsAsync(host);
        Assert.Single(stubs.All[0].Requests);
    }

    [Fact]
    public async Task At_most_sixteen_are_asked_at_once()
    {
        var (now, most) = (0, 0);
        var full = new TaskCompletionSource();
        var gate = new Lock();
        await using var stubs = Stubs.Start(40, _ => async (socket, stop) =>
        {
            lock (gate)
            {
                most = Math.Max(most, ++now);
                if (now >= 16)
                {
                    full.TrySetResult();
                }
            }

            await full.Task.WaitAsync(stop);
            // Long enough for more to come, if they may.
            await Task.Delay(50, stop);
            lock (gate)
            {
                now--;
            }

            await socket.SendAsync(Encoding.UTF8.GetBytes(HttpStub.Json(View)), stop);
        });
        await using var host = await stubs.StartHostAsync();
        Assert.Equal(40, (await HostsAsync(host)).Count(h => h.GetProperty("instance").GetString() == "stub"));
        Assert.Equal(16, most);
    }

    /// <summary>Silent hosts, and one that sends a byte at a time: the answer comes after the timeout, and the rest goes on.</summary>
    [Fact]
    public async Task Silent_hosts_hold_an_answer_up_for_no_longer_than_the_timeout()
    {
        const int silent = 20;
        var time = new FakeTimeProvider();
        await using var stubs = Stubs.Start(silent + 1, i => async (socket, stop) =>
        {
            if (i == silent)
            {
                await socket.SendAsync(Encoding.UTF8.GetBytes(HttpStub.Json(View)), stop);
            }
            else if (i % 2 == 0)
            {
                await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"u8.ToArray(), stop);
            }

            await socket.ReceiveAsync(new byte[1], stop);
        });
        await using var host = await stubs.StartHostAsync(time, "Peers:Interval=01:00:00", "Peers:Timeout=00:00:05");
        var call = HostsAsync(host);
        await Wait.UntilAsync(() => stubs.All.Count(stub => stub.Requests.Count == 1) == 16, "the first are asked");
        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.1));
        await Wait.UntilAsync(() => stubs.All.All(stub => stub.Requests.Count == 1), "the others are asked");
        time.Advance(TimeSpan.FromSeconds(0.5));
        var notAsked = (await call).Where(h => Error(h) == "not asked yet").ToList();
        Assert.True(notAsked.Count >= 4);
        Assert.All(notAsked, h => Assert.Equal(JsonValueKind.Null, h.GetProperty("ageSeconds").ValueKind));
        await Wait.UntilAsync(async () => (await HostsAsync(host)).Count(h => Error(h) == "timeout: no answer within 5 s") == 16, "the first timed out");

        // A caller waits no more now. When all are known, those that failed are asked last.
        await Wait.UntilAsync(async () => Error(await HostAsync(host, stubs.Names[silent])) is null, "the last one answers");
        time.Advance(TimeSpan.FromSeconds(5));
        await Wait.UntilAsync(async () => (await HostsAsync(host)).Count(h => Error(h) == "timeout: no answer within 5 s") == silent, "all are known");
        time.Advance(TimeSpan.FromHours(1));
        // The last gathering may end a moment after its last answer.
        var again = HostsAsync(host);
        await Wait.UntilAsync(
            () =>
            {
                again = again.IsCompleted ? HostsAsync(host) : again;
                return stubs.All[silent].Requests.Count == 2;
            },
            "the one that answers is asked at once");
        await time.PassUntilAsync(TimeSpan.FromSeconds(1), () => again.IsCompleted, "the answer comes");
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_silent_hosts()
    {
        await using var stubs = Stubs.Start(1, _ => (socket, stop) => socket.ReceiveAsync(new byte[1], stop).AsTask());
        await using var host = await stubs.StartHostAsync("Peers:Timeout=01:00:00");
        var call = HostsAsync(host);
        await Wait.UntilAsync(() => stubs.All[0].Requests.Count == 1, "it is asked");
        await host.BeginStop().WaitAsync(Wait.Limit);
        Assert.Equal("not asked yet", Error((await call)[1]));
    }

    [Fact]
    public async Task Pairs_are_kept_up_to_a_limit()
    {
        const int each = PeerView.MaxPeers;
        var many = HttpStub.Json($$"""{"peers":[{{string.Join(',', Enumerable.Range(0, each).Select(i => $$"""{"name":"{{i}}","state":"up"}"""))}}]}""");
        await using var stubs = Stubs.Start((FleetView.MaxPairs / each) + 2, _ => Text(many));
        await using var host = await stubs.StartHostAsync("Peers:Interval=00:00:00.1");
        for (var times = 0; times < 2; times++)
        {
            var errors = (await HostsAsync(host)).Skip(1).Select(Error).ToList();
            Assert.Equal(FleetView.MaxPairs / each, errors.Count(error => error is null));
            Assert.Equal(2, errors.Count(error => error == "left out: the fleet has more than 200000 pairs of hosts; with Peers:Fanout it has fewer"));
        }
    }

    private static Func<Socket, CancellationToken, Task> Text(string text) =>
        async (socket, stop) => await socket.SendAsync(Encoding.UTF8.GetBytes(text), stop);

    private static Func<Socket, CancellationToken, Task> Endless(string start, string again) => async (socket, stop) =>
    {
        await socket.SendAsync(Encoding.UTF8.GetBytes(start), stop);
        var more = Encoding.UTF8.GetBytes(again);
        while (true)
        {
            await socket.SendAsync(more, stop);
        }
    };

    private static async Task<IReadOnlyList<JsonElement>> HostsAsync(EchoHostFixture host) =>
        [.. (await host.Http.GetFromJsonAsync<JsonElement>("/fleet")).GetProperty("hosts").EnumerateArray()];

    private static async Task<JsonElement> HostAsync(EchoHostFixture host, string name) => (await HostsAsync(host)).Single(h => Name(h) == name);

    /// <summary>The number of peers that a host sees as up.</summary>
    private static int UpIn(JsonElement host) => host.GetProperty("peers").EnumerateArray().Count(peer => peer.GetProperty("state").GetString() == "up");

    private static string? Name(JsonElement host) => host.GetProperty("name").GetString();

    private static string? Error(JsonElement host) => host.GetProperty("error").GetString();

    /// <summary>Stubs at addresses of their own and the same port, as the HTTP endpoints of a fleet.</summary>
    private sealed class Stubs : IAsyncDisposable
    {
        private readonly HeldPort _held;

        private Stubs(string[] addresses, Func<int, Func<Socket, CancellationToken, Task>> answer)
        {
            _held = new HeldPort(addresses);
            Names = [.. addresses.Select(address => $"{address}:1")];
            All = [.. addresses.Select((address, i) => new HttpStub(new IPEndPoint(IPAddress.Parse(address), Port), answer(i)))];
        }

        public int Port => _held.Port;

        public IReadOnlyList<HttpStub> All { get; }

        public IReadOnlyList<string> Names { get; }

        public static Stubs Start(int count, Func<int, Func<Socket, CancellationToken, Task>> answer) =>
            new([.. Enumerable.Range(10, count).Select(i => $"127.0.4.{i}")], answer);

        /// <summary>Starts a host whose targets are these.</summary>
        public Task<EchoHostFixture> StartHostAsync(params string[] settings) => EchoHostFixture.StartAsync(With(settings));

        public Task<EchoHostFixture> StartHostAsync(FakeTimeProvider time, params string[] settings) => EchoHostFixture.StartAsync(time, With(settings));

        public async ValueTask DisposeAsync()
        {
            foreach (var stub in All)
            {
                await stub.DisposeAsync();
            }

            _held.Dispose();
        }

        private string[] With(string[] settings) => [$"Peers:HttpPort={Port}", "Peers:Interval=01:00:00", .. MeshHost.Targets([.. Names]), .. settings];
    }
}
