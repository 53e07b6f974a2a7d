using System.Net;
using EchoHost.Configuration;
using EchoHost.Endpoints;
using EchoHost.Http;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Http;

namespace EchoHost.Tests.Http;

/// <summary>
/// Allowed host names: a web page whose name resolves to this machine must not read what is served to this machine only.
/// </summary>
public class AllowedHostsTests
{
    private const string Local = "http://localhost:8080;http://127.0.0.1:8081;http://[::1]:8082";

    [Theory]
    [InlineData(null, Local, "evil.example", false)]
    [InlineData(null, Local, "evil.example:8080", false)]
    [InlineData(null, Local, "localhost.evil.example", false)]
    [InlineData(null, Local, "localhost:8080", true)]
    [InlineData(null, Local, "LOCALHOST.", true)]
    [InlineData(null, Local, "127.0.0.1:8080", true)]
    [InlineData(null, Local, "[::1]:8080", true)]
    [InlineData(null, Local, "", true)]
    [InlineData("", Local, "evil.example", false)]
    [InlineData("echo.example", Local, "echo.example", true)]
    [InlineData("echo.example", Local, "localhost", true)]
    [InlineData("echo.example;*.example.net", Local, "a.example.net:80", true)]
    [InlineData("echo.example", Local, "evil.example", false)]
    [InlineData("*", Local, "evil.example", true)]
    [InlineData(null, "http://*:8080", "evil.example", true)]
    [InlineData(null, "http://localhost:8080;http://0.0.0.0:8081", "evil.example", true)]
    [InlineData("echo.example", "http://*:8080", "evil.example", false)]
    [InlineData("echo.example", "http://*:8080", "Echo.Example", true)]
    [InlineData("echo.example", "http://*:8080", "192.0.2.1", false)]
    public void A_name_is_allowed_or_not(string? configured, string urls, string host, bool isAllowed)
    {
        var hosts = AllowedHosts.Read(configured, HttpAddress.ParseAll(urls));
        Assert.Equal(isAllowed, hosts.Allows(new HostString(host), "/connections"));
        // These are open under every name.
        Assert.All(new[] { "/health", "/health/live", "/health/ready", "/metrics" }, path => Assert.True(hosts.Allows(new HostString(host), path)));
        Assert.Equal(isAllowed, hosts.Allows(new HostString(host), "/healthy"));
    }

    [Fact]
    public void The_machine_may_be_called_by_its_name() =>
        Assert.True(AllowedHosts.Read(null, HttpAddress.ParseAll(Local)).Allows(new HostString(Environment.MachineName, 8080), "/connections"));

    [Theory]
    [InlineData("http://echo.example")]
    [InlineData("echo.example:80")]
    [InlineData("a;b c")]
    [InlineData("*.*")]
    public void What_is_no_name_is_refused(string configured) =>
        Assert.StartsWith(
            $"AllowedHosts is '{configured}': ",
            Assert.Single(Assert.Throws<ConfigurationException>(() => AllowedHosts.Read(configured, HttpAddress.ParseAll(Local))).Problems),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("/connections", "evil.example", HttpStatusCode.BadRequest)]
    [InlineData("/", "evil.example", HttpStatusCode.BadRequest)]
    [InlineData("/connections", "localhost", HttpStatusCode.OK)]
    [InlineData("/connections", "echo.example", HttpStatusCode.OK)]
    [InlineData("/health/live", "evil.example", HttpStatusCode.OK)]
    [InlineData("/metrics", "evil.example", HttpStatusCode.OK)]
    public async Task A_host_answers_under_its_names(string path, string name, HttpStatusCode status)
    {
        await using var host = await EchoHostFixture.StartAsync("AllowedHosts=echo.example");
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = name;
        Assert.Equal(status, (await host.Http.SendAsync(request)).StatusCode);
    }
}
