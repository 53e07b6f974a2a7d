using System.Net;
using System.Net.Sockets;
using System.Text;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;

namespace Kestrel.ProxyProtocol.Tests;

/// <summary>The middleware over a pair of pipes.</summary>
public class ProxyProtocolMiddlewareTests
{
    private const string V1 = "PROXY TCP4 203.0.113.7 198.51.100.2 56324 443\r\n";

    private static readonly IPEndPoint Client = IPEndPoint.Parse("203.0.113.7:56324");
    private static readonly IPEndPoint Front = IPEndPoint.Parse("198.51.100.2:443");

    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_client_is_the_remote_end_and_the_header_is_a_feature(int version)
    {
        var connection = new TestConnection(Options());
        byte[] bytes = [.. Header(version), .. "payload"u8];
        await connection.SendAsync(bytes);
        Assert.Equal([$"v{version} Proxy {Client}"], connection.Events);
        await connection.EndAsync();
        AssertPassed(connection, "payload", Client);
        var feature = connection.Feature!;
        Assert.Equal(
            (version, ProxyCommand.Proxy, AddressFamily.InterNetwork, SocketType.Stream),
            (feature.Version, feature.Command, feature.AddressFamily, feature.SocketType));
        Assert.Equal((Client, Front, TestConnection.Proxy), (feature.Source, feature.Destination, feature.ProxyEndPoint));
        Assert.Equal(TestConnection.Server, connection.LocalEndPoint);
    }

    [Fact]
    public async Task Version_2_brings_values()
    {
        var connection = new TestConnection(Options());
        var authority = ProxyHeaders.Tlv(ProxyTlvType.Authority, "a.example"u8.ToArray());
        await connection.SendAsync(ProxyHeaders.V2("[2001:db8::7]:1", "[2001:db8::2]:2", authority));
        await connection.EndAsync();
        Assert.Equal(IPEndPoint.Parse("[2001:db8::7]:1"), connection.RemoteEndPoint);
        Assert.Equal(authority, connection.Feature!.Tlvs.ToArray());
    }

    public static TheoryData<string, byte[]> WithoutAddresses => new()
    {
        { "v1 Proxy", ProxyHeaders.V1("PROXY UNKNOWN 203.0.113.7 198.51.100.2 1 2\r\n") },
        { "v2 Local", ProxyHeaders.V2(ProxyHeaders.Local, 0x11, new byte[12]) },
        { "v2 Proxy", ProxyHeaders.V2(ProxyHeaders.Proxy, 0x00) },
        { "v2 Proxy", ProxyHeaders.V2(ProxyHeaders.Proxy, 0x10, new byte[12]) },
        { "v2 Proxy", ProxyHeaders.V2(ProxyHeaders.Proxy, 0x31, new byte[216]) },
    };

    [Theory]
    [MemberData(nameof(WithoutAddresses))]
    public async Task A_header_without_addresses_leaves_the_real_ends(string told, byte[] header)
    {
        var connection = new TestConnection(Options());
        await connection.SendAsync(header);
        await connection.SendAsync("payload");
        await connection.EndAsync();
        AssertPassed(connection, "payload", TestConnection.Proxy);
        Assert.Equal([$"{told} {TestConnection.Proxy}"], connection.Events);
        Assert.Equal((null, null, TestConnection.Proxy), (connection.Feature!.Source, connection.Feature.Destination, connection.Feature.ProxyEndPoint));
    }

    /// <summary>
    /// Cut in two anywhere, and byte by byte: the handler gets nothing before the header is complete, and everything after
    /// it.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_header_may_come_in_any_pieces(int version)
    {
        byte[] bytes = [.. Header(version), .. "payload"u8];
        for (var at = 1; at < bytes.Length; at++)
        {
            var connection = new TestConnection(Options());
            await connection.SendAsync(bytes.AsMemory(0, at));
            Assert.Equal(at >= Header(version).Length, connection.Payload is not null);
            await connection.SendAsync(bytes.AsMemory(at));
            await connection.EndAsync();
            AssertPassed(connection, "payload", Client);
        }

        var dribble = new TestConnection(Options());
        foreach (var b in bytes)
        {
            await dribble.SendAsync(new[] { b });
        }

        await dribble.EndAsync();
        AssertPassed(dribble, "payload", Client);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "Missing, version 0, 18 bytes")]
    [InlineData("PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\nhello", "Malformed, version 1, 41 bytes")]
    [InlineData("\r\n\r\n\0\r\nQUIT\nXXXX", "Malformed, version 2, 16 bytes")]
    public async Task What_is_no_header_is_turned_away_at_once(string bytes, string told)
    {
        var connection = new TestConnection(Options());
        await connection.SendAsync(bytes);
        await AssertTurnedAwayAsync(connection, told);
    }

    [Fact]
    public async Task A_wrong_checksum_is_turned_away()
    {
        var connection = new TestConnection(Options());
        await connection.SendAsync(ProxyHeaders.V2(Client.ToString(), Front.ToString(), ProxyHeaders.Tlv(0x03, 1, 2, 3, 4)));
        await AssertTurnedAwayAsync(connection, "ChecksumMismatch, version 2, 35 bytes");
    }

    [Theory]
    [InlineData("", "Missing, version 0, 0 bytes")]
    [InlineData("PROXY TCP4 ", "Malformed, version 1, 11 bytes")]
    [InlineData("\r\n\r\n", "Malformed, version 2, 4 bytes")]
    public async Task A_header_that_ends_half_way_is_turned_away(string bytes, string told)
    {
        var connection = new TestConnection(Options());
        await connection.SendAsync(bytes);
        await connection.EndAsync();
        await AssertTurnedAwayAsync(connection, told);
        Assert.Equal("it ended before its PROXY header did", connection.Rejection!.Message);
    }

    [Fact]
    public async Task A_reset_and_an_abort_are_told_apart()
    {
        var reset = new TestConnection(Options());
        await reset.SendAsync("PROXY");
        await reset.EndAsync(new ConnectionResetException("reset"));
        await AssertTurnedAwayAsync(reset, "Missing, version 0, 5 bytes");

        var aborted = new TestConnection(Options());
        await aborted.EndAsync(new ConnectionAbortedException("by the server"));
        await AssertTurnedAwayAsync(aborted, "Aborted, version 0, 0 bytes");
    }

    [Theory]
    [InlineData(ProxyHeaderMode.Required)]
    [InlineData(ProxyHeaderMode.Optional)]
    public async Task The_whole_header_has_a_time(ProxyHeaderMode mode)
    {
        var connection = new TestConnection(Options(mode));
        _time.Advance(TimeSpan.FromSeconds(4));
        await connection.SendAsync("PROXY TCP4 ");
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.False(connection.IsOver);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        await AssertTurnedAwayAsync(connection, "Timeout, version 0, 11 bytes");
        Assert.Equal("no PROXY header came within 5 s", connection.Rejection!.Message);
    }

    [Fact]
    public async Task The_time_can_begin_with_the_first_byte()
    {
        var options = Options();
        options.FirstByteTimeout = TimeSpan.FromSeconds(60);
        var connection = new TestConnection(options);
        _time.Advance(TimeSpan.FromSeconds(59));
        await connection.SendAsync("PROXY");
        _time.Advance(TimeSpan.FromSeconds(4.9));
        await connection.SendAsync(" ");
        Assert.False(connection.IsOver);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        await AssertTurnedAwayAsync(connection, "Timeout, version 0, 6 bytes");
        Assert.Equal("no PROXY header came within 5 s", connection.Rejection!.Message);

        var silent = new TestConnection(options);
        _time.Advance(TimeSpan.FromSeconds(60));
        await AssertTurnedAwayAsync(silent, "Timeout, version 0, 0 bytes");
        Assert.Equal("no PROXY header came within 60 s", silent.Rejection!.Message);
    }

    [Fact]
    public async Task After_the_header_there_is_no_limit()
    {
        using var stop = new CancellationTokenSource();
        var options = Options();
        options.Stopping = stop.Token;
        var connection = new TestConnection(options);
        await connection.SendAsync(V1);
        _time.Advance(TimeSpan.FromDays(1));
        await stop.CancelAsync();
        await connection.SendAsync("still here");
        await connection.EndAsync();
        AssertPassed(connection, "still here", Client);
    }

    [Theory]
    [InlineData(ProxyHeaderMode.Required)]
    [InlineData(ProxyHeaderMode.Optional)]
    public async Task A_stopping_server_waits_for_no_header(ProxyHeaderMode mode)
    {
        using var stop = new CancellationTokenSource();
        var options = Options(mode);
        options.Stopping = stop.Token;
        var waiting = new TestConnection(options);
        await waiting.SendAsync("PRO");
        Assert.False(waiting.IsOver);
        await stop.CancelAsync();
        await AssertTurnedAwayAsync(waiting, "Stopping, version 0, 3 bytes");
    }

    [Fact]
    public async Task Where_a_header_is_required_only_trusted_proxies_may_connect()
    {
        var connection = new TestConnection(Options(), IPEndPoint.Parse("192.0.2.11:1"));
        await connection.SendAsync(V1);
        await AssertTurnedAwayAsync(connection, "Untrusted, version 0, 0 bytes");
    }

    [Fact]
    public async Task Where_it_is_optional_an_untrusted_header_is_payload()
    {
        var remote = IPEndPoint.Parse("192.0.2.11:1");
        var connection = new TestConnection(Options(ProxyHeaderMode.Optional), remote);
        await connection.SendAsync(V1);
        await connection.EndAsync();
        AssertPassed(connection, V1, remote);
        Assert.Equal(["absent, untrusted"], connection.Events);
        Assert.Null(connection.Feature);
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("PROX")]
    [InlineData("")]
    [InlineData("\r\nx")]
    public async Task Where_it_is_optional_a_trusted_proxy_may_do_without(string payload)
    {
        var connection = new TestConnection(Options(ProxyHeaderMode.Optional));
        await connection.SendAsync(payload);
        await connection.EndAsync();
        AssertPassed(connection, payload, TestConnection.Proxy);
        Assert.Equal(["absent"], connection.Events);
    }

    [Fact]
    public async Task Where_it_is_optional_a_beginning_that_goes_no_further_is_payload_in_time()
    {
        var connection = new TestConnection(Options(ProxyHeaderMode.Optional));
        await connection.SendAsync("PROXY");
        Assert.Null(connection.Payload);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("PROXY", Encoding.ASCII.GetString(connection.Payload!.ToArray()));
        await connection.SendAsync(" and more");
        await connection.EndAsync();
        AssertPassed(connection, "PROXY and more", TestConnection.Proxy);
        Assert.Equal(["absent"], connection.Events);
    }

    [Theory]
    [InlineData("PR", "INT")]
    [InlineData("\r", "\n\r\n\0\r\nQUIZ\n")]
    public async Task Where_it_is_optional_payload_may_begin_as_a_header_does(string first, string rest)
    {
        var connection = new TestConnection(Options(ProxyHeaderMode.Optional));
        await connection.SendAsync(first);
        Assert.Null(connection.Payload);
        await connection.SendAsync(rest);
        Assert.Equal(first + rest, Encoding.ASCII.GetString(connection.Payload!.ToArray()));
        await connection.EndAsync();
        AssertPassed(connection, first + rest, TestConnection.Proxy);
        Assert.Equal(["absent"], connection.Events);
    }

    [Fact]
    public async Task Where_it_is_optional_a_header_is_read_all_the_same()
    {
        var connection = new TestConnection(Options(ProxyHeaderMode.Optional));
        await connection.SendAsync(V1);
        await connection.SendAsync("payload");
        await connection.EndAsync();
        AssertPassed(connection, "payload", Client);
    }

    [Theory]
    [InlineData("192.0.2.10:1", true)]
    [InlineData("[::ffff:192.0.2.10]:1", true)]
    [InlineData("[2001:db8::1]:1", true)]
    [InlineData("192.0.2.11:1", false)]
    [InlineData("[2001:db9::1]:1", false)]
    public async Task Networks_say_which_proxies_are_trusted(string remote, bool isTrusted)
    {
        var options = Options();
        options.TrustedProxies.Add(IPNetwork.Parse("2001:db8::/32"));
        await AssertTrustedAsync(options, IPEndPoint.Parse(remote), isTrusted);
    }

    [Fact]
    public async Task By_default_no_address_is_trusted_but_a_Unix_socket_is()
    {
        await AssertTrustedAsync(new ProxyProtocolOptions(), IPEndPoint.Parse("127.0.0.1:1"), isTrusted: false);
        await AssertTrustedAsync(new ProxyProtocolOptions(), new UnixDomainSocketEndPoint("/run/proxy.sock"), isTrusted: true);
    }

    [Fact]
    public async Task A_predicate_decides_in_place_of_the_networks()
    {
        var options = Options();
        options.IsTrustedProxy = connection => connection.RemoteEndPoint is IPEndPoint { Port: 7 };
        await AssertTrustedAsync(options, IPEndPoint.Parse("203.0.113.1:7"), isTrusted: true);
        await AssertTrustedAsync(options, IPEndPoint.Parse("192.0.2.10:8"), isTrusted: false);
    }

    [Fact]
    public async Task An_exempt_connection_passes_unexamined()
    {
        var options = Options();
        options.IsExempt = connection => Equals(connection.RemoteEndPoint, TestConnection.Proxy);
        var connection = new TestConnection(options);
        Assert.NotNull(connection.Payload);
        await connection.SendAsync(V1);
        await connection.EndAsync();
        AssertPassed(connection, V1, TestConnection.Proxy);
        Assert.Empty(connection.Events);
    }

    [Fact]
    public void Options_are_checked()
    {
        Refuse(options => options.HeaderTimeout = TimeSpan.Zero);
        Refuse(options => options.HeaderTimeout = TimeSpan.FromDays(50));
        Refuse(options => options.FirstByteTimeout = TimeSpan.FromSeconds(-2));
        Refuse(options => options.Mode = (ProxyHeaderMode)7);
        _ = new TestConnection(new ProxyProtocolOptions { HeaderTimeout = Timeout.InfiniteTimeSpan, FirstByteTimeout = Timeout.InfiniteTimeSpan });

        static void Refuse(Action<ProxyProtocolOptions> spoil)
        {
            var options = new ProxyProtocolOptions();
            spoil(options);
            Assert.ThrowsAny<ArgumentException>(() => new TestConnection(options));
        }
    }

    private static byte[] Header(int version) =>
        version == 1 ? ProxyHeaders.V1(V1) : ProxyHeaders.V2(Client.ToString(), Front.ToString());

    private ProxyProtocolOptions Options(ProxyHeaderMode mode = ProxyHeaderMode.Required) =>
        new() { Mode = mode, TrustedProxies = { IPNetwork.Parse("192.0.2.10/32") }, TimeProvider = _time };

    private static void AssertPassed(TestConnection connection, string payload, EndPoint remote)
    {
        Assert.Null(connection.AbortReason);
        Assert.Equal(payload, Encoding.ASCII.GetString(connection.Payload!.ToArray()));
        Assert.Equal(remote, connection.RemoteEndPoint);
    }

    private static async Task AssertTurnedAwayAsync(TestConnection connection, string told)
    {
        await connection.OverAsync();
        Assert.Equal([told], connection.Events);
        Assert.Null(connection.Payload);
        Assert.Equal(connection.Rejection!.Message, connection.AbortReason);
    }

    private static async Task AssertTrustedAsync(ProxyProtocolOptions options, EndPoint remote, bool isTrusted)
    {
        var connection = new TestConnection(options, remote);
        await connection.SendAsync(V1);
        if (isTrusted)
        {
            await connection.EndAsync();
            AssertPassed(connection, "", Client);
        }
        else
        {
            await AssertTurnedAwayAsync(connection, "Untrusted, version 0, 0 bytes");
        }
    }
}
