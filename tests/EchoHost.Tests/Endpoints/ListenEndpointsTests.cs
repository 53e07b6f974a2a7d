using System.Net;
using System.Net.Sockets;
using EchoHost.Configuration;
using EchoHost.Endpoints;

namespace EchoHost.Tests.Endpoints;

public class ListenEndpointsTests
{
    private static readonly ListenEndpoint Tcp = ListenEndpoint.Parse("Tcp", "tcp://127.0.0.1:5555");
    private static readonly ListenEndpoint Local = ListenEndpoint.Parse("Local", "unix:/run/echo.sock");

    [Fact]
    public void A_raw_endpoint_is_found_by_its_address()
    {
        var endpoints = With("http://localhost:8080");
        Assert.Same(Tcp, endpoints.Of(Tcp.Addresses[0]));
        Assert.Same(Local, endpoints.Of(new UnixDomainSocketEndPoint("/run/echo.sock")));
    }

    [Theory]
    [InlineData("http://localhost:8080", "127.0.0.1:8080")]
    [InlineData("http://localhost:8080", "[::1]:8080")]
    [InlineData("http://192.0.2.1:8080", "192.0.2.1:8080")]
    [InlineData("http://127.0.0.1:0", "127.0.0.1:0")]
    [InlineData("http://[::1]:8080;http://127.0.0.1:8081", "127.0.0.1:8081")]
    public void An_address_of_HTTP_has_no_raw_endpoint(string urls, string address) => Assert.Null(With(urls).Of(IPEndPoint.Parse(address)));

    /// <summary>If it were served as HTTP, the limits of its endpoint would not apply.</summary>
    [Theory]
    [InlineData("127.0.0.1:5555")]
    [InlineData("192.0.2.1:8080")]
    [InlineData("127.0.0.1:8081")]
    public void An_address_that_is_not_configured_is_refused(string address)
    {
        var error = Assert.Throws<InvalidOperationException>(() => With("http://localhost:8080").Of(IPEndPoint.Parse(address)));
        Assert.Equal($"no endpoint is configured to listen on {address}", error.Message);
    }

    [Fact]
    public void A_socket_file_that_is_not_configured_is_refused() =>
        Assert.Throws<InvalidOperationException>(() => With("http://localhost:8080").Of(new UnixDomainSocketEndPoint("/run/other.sock")));

    [Theory]
    [InlineData(";")]
    [InlineData(" ; ;")]
    public void Separators_alone_are_no_address(string urls) =>
        Assert.Equal(
            $"Urls is '{urls}'; expected http://HOST:PORT",
            Assert.Single(Assert.Throws<ConfigurationException>(() => HttpAddress.ParseAll(urls)).Problems));

    private static ListenEndpoints With(string urls) => new([Tcp, Local], HttpAddress.ParseAll(urls));
}
