using System.Net;
using System.Net.Sockets;
using EchoHost.Configuration;
using EchoHost.Endpoints;

namespace EchoHost.Tests.Endpoints;

public class ListenEndpointTests
{
    [Theory]
    [InlineData("tcp://127.0.0.1:5555", "127.0.0.1:5555")]
    [InlineData("TCP://127.0.0.1:0", "127.0.0.1:0")]
    [InlineData("tcp://[::1]:65535", "[::1]:65535")]
    [InlineData("tcp://0.0.0.0:1/", "0.0.0.0:1")]
    public void An_address_is_listened_on_as_it_is(string url, string expected) =>
        Assert.Equal(IPEndPoint.Parse(expected), Assert.Single(ListenEndpoint.Parse("E", url).Addresses) as IPEndPoint);

    [Theory]
    [InlineData("*")]
    [InlineData("+")]
    public void A_star_is_every_address_of_both_families(string host)
    {
        var address = Assert.IsType<NamedIPEndPoint>(Assert.Single(ListenEndpoint.Parse("E", $"tcp://{host}:5555").Addresses));
        Assert.Equal(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, address.Address);
        Assert.Equal("E", address.EndpointName);
    }

    [Fact]
    public void Localhost_with_a_free_port_is_one_address() =>
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 0), Assert.Single(ListenEndpoint.Parse("E", "tcp://localhost:0").Addresses) as IPEndPoint);

    [Fact]
    public void Localhost_is_IPv4_first() =>
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 5555), ListenEndpoint.Parse("E", "tcp://localhost:5555").Addresses[0] as IPEndPoint);

    [Fact]
    public void A_unix_socket_is_a_path() =>
        Assert.Equal(
            "/run/echo.sock",
            Assert.IsType<UnixDomainSocketEndPoint>(Assert.Single(ListenEndpoint.Parse("E", "unix:/run/echo.sock").Addresses)).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("5555")]
    [InlineData("http://127.0.0.1:5555")]
    [InlineData("tcp://127.0.0.1")]
    [InlineData("tcp://:5555")]
    [InlineData("tcp://127.0.0.1:")]
    [InlineData("tcp://127.0.0.1:65536")]
    [InlineData("tcp://127.0.0.1:-1")]
    [InlineData("tcp://127.0.0.1:+5")]
    [InlineData("tcp://127.0.0.1: 5")]
    [InlineData("tcp://127.1:5")]
    [InlineData("tcp://010.0.0.1:5")]
    [InlineData("tcp://[[::1]:6]:5")]
    [InlineData("tcp://::1:5")]
    [InlineData("tcp://[127.0.0.1]:5")]
    [InlineData("tcp://example.com:5")]
    [InlineData("tls://*")]
    [InlineData("unix:")]
    [InlineData("unix:echo.sock")]
    public void Anything_else_is_refused_naming_key_and_value(string url)
    {
        var error = Assert.Throws<ConfigurationException>(() => ListenEndpoint.Parse("Front", url));
        Assert.StartsWith($"Echo:Endpoints:Front:Url is '{url}'", Assert.Single(error.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_unix_path_longer_than_the_kernel_takes_is_refused() =>
        Assert.Contains(
            "107",
            Assert.Throws<ConfigurationException>(() => ListenEndpoint.Parse("E", "unix:/" + new string('x', 107))).Message,
            StringComparison.Ordinal);
}
