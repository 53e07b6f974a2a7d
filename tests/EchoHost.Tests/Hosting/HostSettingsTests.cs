using EchoHost.Configuration;
using EchoHost.Hosting;
using Microsoft.Extensions.Configuration;

namespace EchoHost.Tests.Hosting;

public class HostSettingsTests
{
    [Fact]
    public void Nothing_configured_is_the_documented_default()
    {
        var settings = Read();
        var endpoint = Assert.Single(settings.Endpoints.Raw);
        Assert.Equal(("Tcp", "tcp://*:5555"), (endpoint.Name, endpoint.Url));
        Assert.Equal("http://localhost:8080", Assert.Single(settings.Endpoints.Http).Url);
        Assert.True(settings.Echo.ConnectionLog.LogMessages);
        Assert.Equal(100, settings.Echo.ConnectionLog.MessageLogLimit);
        Assert.Equal(TimeSpan.FromMinutes(10), settings.Echo.Timeouts.IdleTimeout);
        Assert.Equal(TimeSpan.FromSeconds(30), settings.Echo.Timeouts.WriteTimeout);
        Assert.Null(settings.Echo.Admission.MaxConnectionsPerAddress);
        Assert.Equal(TimeSpan.Zero, settings.Echo.Drain.ReadinessDelay);
        Assert.Equal(TimeSpan.FromSeconds(20), settings.Echo.Drain.GracePeriod);
        Assert.Equal(TimeSpan.FromSeconds(1), settings.Echo.Drain.CloseSpread);
        Assert.True(settings.Peers.IsEmpty);
        Assert.Equal((TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(5), 64), (settings.Peers.Interval, settings.Peers.Timeout, settings.Peers.PayloadBytes));
    }

    [Theory]
    [InlineData("00:00:30", 30)]
    [InlineData("30s", 30)]
    [InlineData("1.5m", 90)]
    [InlineData("1h", 3600)]
    [InlineData("500ms", 0.5)]
    public void Times_are_written_in_either_way(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Read(("Echo:Limits:IdleTimeout", text)).Echo.Timeouts.IdleTimeout);

    [Fact]
    public void Peers_are_read()
    {
        var peers = Read(
            ("Peers:Targets:0", "10.0.0.2:5555"),
            ("Peers:Targets:1", "TLS://Echo.Example:5556"),
            ("Peers:Targets:2", "[2001:db8::1]:5555"),
            ("Peers:Dns:0", "echo.default.svc:5555")).Peers;
        Assert.Equal(["10.0.0.2:5555", "echo.example:5556", "[2001:db8::1]:5555"], peers.Targets.Select(t => t.Name));
        Assert.Equal([false, true, false], peers.Targets.Select(t => t.IsTls));
        Assert.Equal("echo.default.svc:5555", Assert.Single(peers.Names).Name);
        Assert.Equal((null, null), (peers.Fanout, peers.HttpPort));
        var fleet = Read(("Peers:Fanout", "8"), ("Peers:HttpPort", "8080")).Peers;
        Assert.Equal((8, 8080), (fleet.Fanout, fleet.HttpPort));
    }

    [Fact]
    public void Kestrels_sockets_have_no_event_loops_to_provide_for() =>
        Assert.Equal(Read(("Echo:Transport", "Sockets")).Capacity, Read(("Echo:Transport", "Sockets"), ("Echo:EventLoops", "1024")).Capacity);

    [Fact]
    public void A_peer_is_named_once() =>
        Assert.Equal(
            "Peers:Targets:1 is 'tls://10.0.0.2:5555', which is there already",
            Assert.Single(Problems(("Peers:Targets:0", "10.0.0.2:5555"), ("Peers:Targets:1", "tls://10.0.0.2:5555"))));

    [Fact]
    public void The_settings_file_holds_the_defaults()
    {
        var file = HostSettings.Read(
            new ConfigurationBuilder().AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: false).Build());
        var none = Read();
        Assert.Equal(none.Endpoints.Raw.Select(e => (e.Name, e.Url)), file.Endpoints.Raw.Select(e => (e.Name, e.Url)));
        Assert.Equal(none.Endpoints.Http, file.Endpoints.Http);
        Assert.Equal(none.Capacity, file.Capacity);
        foreach (var (a, b) in new (object, object)[]
        {
            (none.Echo.Admission, file.Echo.Admission),
            (none.Echo.Timeouts, file.Echo.Timeouts),
            (none.Echo.TlsHandshakes, file.Echo.TlsHandshakes),
            (none.Echo.ConnectionLog, file.Echo.ConnectionLog),
            (none.Echo.Drain, file.Echo.Drain),
            (none.Echo.Transport, file.Echo.Transport),
            (none.Echo.ProxyHeaders.ProxyHeaderTimeout, file.Echo.ProxyHeaders.ProxyHeaderTimeout),
            (none.Peers with { Targets = [], Names = [] }, file.Peers with { Targets = [], Names = [] }),
        })
        {
            Assert.Equal(a, b);
        }
    }

    [Theory]
    [InlineData("tcp://*:5555", "0", "tcp://*:0")]
    [InlineData("tcp://127.0.0.1:5555", "6000", "tcp://127.0.0.1:6000")]
    [InlineData("tcp://[::1]:5555", "65535", "tcp://[::1]:65535")]
    [InlineData("tcp://[::1]", "7", "tcp://[::1]:7")]
    [InlineData("tcp://*/", "7", "tcp://*:7")]
    public void PORT_is_the_port_of_the_endpoint_Tcp(string url, string port, string expected) =>
        Assert.Equal(expected, Assert.Single(Read(("Echo:Endpoints:Tcp:Url", url), ("PORT", port)).Endpoints.Raw).Url);

    [Fact]
    public void PORT_leaves_the_other_endpoints_alone() =>
        Assert.Equal(["tcp://*:1", "tcp://*:7"], Read(("Echo:Endpoints:Front:Url", "tcp://*:1"), ("PORT", "7")).Endpoints.Raw.Select(e => e.Url).Order());

    /// <summary>Each row is a mistake; the error names the key and the value.</summary>
    [Theory]
    [InlineData("PORT", "70000")]
    [InlineData("PORT", "-1")]
    [InlineData("PORT", "http")]
    [InlineData("PORT", "5555.0")]
    [InlineData("PORT", " 5555")]
    [InlineData("Urls", "https://localhost:8080")]
    [InlineData("Urls", "localhost:8080")]
    [InlineData("Urls", "http://example.com:8080")]
    [InlineData("Urls", "http://localhost:80800")]
    [InlineData("Urls", "http://[::1]:8:8080")]
    [InlineData("Urls", "http://::1:8080")]
    [InlineData("Urls", "http://127.1:8080")]
    [InlineData("Echo:Endpoint", "x")]
    [InlineData("Echo:LogMesages", "false")]
    [InlineData("Echo:LogMessages", "yes")]
    [InlineData("Echo:LogMessages", "")]
    [InlineData("Echo:Limits:WriteTimeout", "")]
    [InlineData("Echo:MessageLogLimit", "-1")]
    [InlineData("Echo:EventLoops", "0")]
    [InlineData("Echo:EventLoops", "1025")]
    [InlineData("Echo:EventLoops", "two")]
    [InlineData("Echo:Transport", "Fast")]
    [InlineData("Echo:MessageLogLimit", "many")]
    [InlineData("Echo:MessageLogLimit", "1.5")]
    [InlineData("Echo:Limits", "5")]
    [InlineData("Echo:Limits:MaxConnections", "0")]
    [InlineData("Echo:Limits:MaxConnections", "99999999999")]
    [InlineData("Echo:Limits:MaxConnections:Deep", "1")]
    [InlineData("Echo:Limits:MaxConnectionsPerAddress", "0")]
    [InlineData("Echo:Limits:IdleTimeout", "30")]
    [InlineData("Echo:Limits:IdleTimeout", "-00:00:01")]
    [InlineData("Echo:Limits:IdleTimeout", "30 s")]
    [InlineData("Echo:Limits:IdleTimeout", "30d")]
    [InlineData("Echo:Limits:IdleTimeout", "24:00:00")]
    [InlineData("Echo:Limits:WriteTimeout", "99.00:00:00")]
    [InlineData("Echo:Limits:Timeout", "00:00:01")]
    [InlineData("Echo:Shutdown:ReadinessDelay", "5")]
    [InlineData("Echo:Shutdown:GracePeriod", "-00:00:01")]
    [InlineData("Echo:Shutdown:CloseSpread", "x")]
    [InlineData("Echo:Endpoints:Tcp:Url", "tcp://nowhere:1")]
    [InlineData("Echo:Endpoints:Tcp:Port", "1")]
    [InlineData("Echo:Endpoints:Tcp", "tcp://*:1")]
    [InlineData("Echo:Endpoints:Second:Url", "")]
    [InlineData("Http:Port", "1")]
    [InlineData("Http:ProxyProtocol", "On")]
    [InlineData("Echo:Endpoints:Tcp:ProxyProtocol", "v2")]
    [InlineData("Echo:Endpoints:Tcp:ClientCertificateMode", "Always")]
    [InlineData("Echo:Endpoints:Tcp:Certificate:Path", "/not-for-tcp.pem")]
    [InlineData("Echo:Endpoints:Tcp:ClientCertificateMode", "RequireCertificate")]
    [InlineData("Echo:TrustedProxies:0", "10.0.0.0/33")]
    [InlineData("Echo:TrustedProxies:0", "10/8")]
    [InlineData("Echo:TrustedProxies:0", "10.1")]
    [InlineData("Echo:TrustedProxies:0", "010.0.0.1")]
    [InlineData("Echo:TrustedProxies:0", "[2001:db8::1]:443")]
    [InlineData("Echo:TrustedProxies:0", "::ffff:10.0.0.0/95")]
    [InlineData("Echo:TrustedProxies", "10.0.0.0/8")]
    [InlineData("Echo:QuietNetworks:0", "everybody")]
    [InlineData("Echo:Limits:ProxyHeaderTimeout", "00:00:00")]
    [InlineData("Echo:Limits:TlsHandshakeTimeout", "-00:00:01")]
    [InlineData("Peers:Target", "x")]
    [InlineData("Instance:Label", "zone")]
    [InlineData("Peers:Targets:0", "10.0.0.2")]
    [InlineData("Peers:Targets:0", "10.0.0.2:0")]
    [InlineData("Peers:Targets:0", "10.0.0.2:65536")]
    [InlineData("Peers:Targets:0", "10.0.2:5555")]
    [InlineData("Peers:Targets:0", "::1:5555")]
    [InlineData("Peers:Targets:0", "tcp://10.0.0.2:5555")]
    [InlineData("Peers:Targets:0", "peer one:5555")]
    [InlineData("Peers:Targets", "10.0.0.2:5555")]
    [InlineData("Peers:Dns:0", "echo")]
    [InlineData("Peers:Interval", "00:00:00")]
    [InlineData("Peers:Interval", "10")]
    [InlineData("Peers:Timeout", "00:00:00")]
    [InlineData("Peers:PayloadBytes", "7")]
    [InlineData("Peers:PayloadBytes", "1048577")]
    public void A_mistake_is_one_line_that_names_key_and_value(string key, string value)
    {
        var problem = Assert.Single(Problems((key, value)));
        Assert.StartsWith(key.Split(":Deep")[0], problem, StringComparison.Ordinal);
        Assert.Contains(key.EndsWith(":Deep", StringComparison.Ordinal) ? key.Split(":Deep")[0] : value, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void What_describes_the_present_state_is_accepted() =>
        Read(
            ("Echo:Endpoints:Tcp:Url", "tcp://*:5555"),
            ("Echo:Endpoints:Tcp:ProxyProtocol", "off"),
            ("Echo:Transport", "Sockets"),
            ("Http:ProxyProtocol", "Off"),
            ("Echo:TrustedProxies", ""),
            ("Peers:Targets", ""));

    [Fact]
    public void A_token_that_is_easily_guessed_is_refused_and_not_shown()
    {
        var problem = Assert.Single(Problems(("Admin:Token", "fifteen-letters")));
        Assert.Equal("Admin:Token has 15 characters; expected 16 or more", problem);
    }

    [Theory]
    [InlineData("                    ")]
    [InlineData("correct horse battery")]
    [InlineData("ähnlich-wie-ein-Wort")]
    public void A_token_that_no_header_can_carry_is_refused(string token) =>
        Assert.StartsWith("Admin:Token has a character", Assert.Single(Problems(("Admin:Token", token))), StringComparison.Ordinal);

    [Theory]
    [InlineData("Admin")]
    [InlineData("Echo:Endpoints:Tcp:Certificate")]
    [InlineData("Echo:Endpoints:Tcp:Password")]
    [InlineData("Echo:Token")]
    public void A_misplaced_secret_is_not_shown(string key)
    {
        var problem = Assert.Single(Problems((key, "hunter2")));
        Assert.StartsWith($"{key} ", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Admin:Tokn")]
    [InlineData("Echo:Endpoints:Tcp:Certificate:Pasword")]
    public void What_may_be_a_secret_is_not_shown(string key)
    {
        var problem = Assert.Single(Problems((key, "hunter2")));
        Assert.StartsWith($"{key} is not a key that this host knows; ", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_JSON_null_is_the_default()
    {
        using var json = new MemoryStream("""{"Echo":{"Endpoints":{"Tcp":{"Url":null}}}}"""u8.ToArray());
        Assert.Equal("tcp://*:5555", Assert.Single(HostSettings.Read(new ConfigurationBuilder().AddJsonStream(json).Build()).Endpoints.Raw).Url);
    }

    [Fact]
    public void An_endpoint_can_not_have_the_name_of_the_HTTP_endpoint() =>
        Assert.StartsWith("Echo:Endpoints:Http has the name", Assert.Single(Problems(("Echo:Endpoints:Http:Url", "tcp://*:1"))), StringComparison.Ordinal);

    [Fact]
    public void TLS_needs_a_certificate() =>
        Assert.Equal(
            "Echo:Endpoints:Tcp:Certificate:Path is not set, but Echo:Endpoints:Tcp:Url is 'tls://*:1', which needs a certificate",
            Assert.Single(Problems(("Echo:Endpoints:Tcp:Url", "tls://*:1"))));

    [Fact]
    public void A_certificate_that_can_not_be_read_is_named() =>
        Assert.StartsWith(
            "Echo:Endpoints:Tcp:Certificate:Path is '/none.pem': ",
            Assert.Single(Problems(("Echo:Endpoints:Tcp:Url", "tls://*:1"), ("Echo:Endpoints:Tcp:Certificate:Path", "/none.pem"))),
            StringComparison.Ordinal);

    [Fact]
    public void Networks_are_read()
    {
        var settings = Read(("Echo:TrustedProxies:0", "10.0.0.9/8"), ("Echo:TrustedProxies:1", "2001:db8::/32"), ("Echo:QuietNetworks:0", "192.0.2.7"));
        Assert.True(settings.Echo.ProxyHeaders.TrustedProxies.Contains(System.Net.IPAddress.Parse("10.255.0.1")));
        Assert.True(settings.Echo.ProxyHeaders.TrustedProxies.Contains(System.Net.IPAddress.Parse("2001:db8::1")));
        Assert.False(settings.Echo.ProxyHeaders.TrustedProxies.Contains(System.Net.IPAddress.Parse("11.0.0.1")));
        Assert.True(settings.Echo.QuietNetworks.Contains(new System.Net.IPEndPoint(System.Net.IPAddress.Parse("192.0.2.7"), 1)));
        Assert.False(settings.Echo.QuietNetworks.Contains(new System.Net.IPEndPoint(System.Net.IPAddress.Parse("192.0.2.8"), 1)));
    }

    [Theory]
    [InlineData("::ffff:10.1.2.3", "10.1.2.3", "10.1.2.4")]
    [InlineData("::ffff:10.0.0.0/104", "10.255.0.1", "11.0.0.1")]
    public void A_mapped_network_is_IPv4_as_its_clients_are(string text, string inside, string outside)
    {
        var settings = Read(("Echo:TrustedProxies:0", text));
        Assert.True(settings.Echo.ProxyHeaders.TrustedProxies.Contains(System.Net.IPAddress.Parse(inside)));
        Assert.False(settings.Echo.ProxyHeaders.TrustedProxies.Contains(System.Net.IPAddress.Parse(outside)));
    }

    [Theory]
    [InlineData("Echo:Foo", "Echo has Endpoints, Transport, EventLoops, LogMessages, MessageLogLimit, QuietNetworks, TrustedProxies, Limits, Shutdown")]
    [InlineData(
        "Echo:Limits:Foo",
        "Echo:Limits has MaxConnections, MaxConnectionsPerAddress, IdleTimeout, WriteTimeout, ProxyHeaderTimeout, TlsHandshakeTimeout")]
    [InlineData("Echo:Shutdown:Foo", "Echo:Shutdown has ReadinessDelay, GracePeriod, CloseSpread")]
    [InlineData("Peers:Foo", "Peers has Targets, Dns, Interval, Timeout, PayloadBytes, Fanout, HttpPort")]
    public void A_key_that_is_not_known_is_answered_with_those_that_are(string key, string known) =>
        Assert.Equal($"{key} is not a key that this host knows (value 'x'); {known}", Assert.Single(Problems((key, "x"))));

    [Fact]
    public void Every_mistake_is_told_at_once() =>
        Assert.Equal(2, Problems(("Echo:LogMessages", "yes"), ("Echo:Limits:IdleTimeout", "x")).Count);

    [Fact]
    public void Keys_are_read_whatever_their_case() =>
        Assert.False(Read(("ECHO:LOGMESSAGES", "FALSE")).Echo.ConnectionLog.LogMessages);

    private static IReadOnlyList<string> Problems(params (string Key, string Value)[] settings) =>
        Assert.Throws<ConfigurationException>(() => Read(settings)).Problems;

    private static HostSettings Read(params (string Key, string Value)[] settings) =>
        HostSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build());
}
