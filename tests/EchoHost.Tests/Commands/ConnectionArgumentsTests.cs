using System.CommandLine;
using EchoHost.Commands;
using EchoHost.Configuration;
using EchoHost.Peers;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

public class ConnectionArgumentsTests
{
    [Fact]
    public void Nothing_more_than_the_peer_is_needed()
    {
        var (target, link, timeout) = Read("Echo.example:5555");
        Assert.Equal((new PeerTarget("echo.example", 5555, false), new PeerLink(), TimeSpan.FromSeconds(5)), (target, link, timeout));
    }

    [Theory]
    [InlineData("tls://echo.example:5555")]
    [InlineData("echo.example:5555", "--tls")]
    [InlineData("tls://echo.example:5555", "--tls")]
    public void TLS_is_asked_for_either_way(params string[] args)
    {
        var (target, link, _) = Read(args);
        Assert.True(target.IsTls);
        Assert.Equal(PeerTls.System, link.Tls);
    }

    [Fact]
    public void Files_are_read()
    {
        using var certificate = new TestCertificate();
        var (_, link, timeout) = Read("127.0.0.1:1", "--tls", "--ca", certificate.CertificatePath, "--cert", certificate.CertificatePath, "--key", certificate.KeyPath, "--timeout", "300ms");
        Assert.Equal(certificate.Certificate.Thumbprint, Assert.Single(link.Tls!.Authorities!).Thumbprint);
        Assert.Equal(certificate.Certificate.Thumbprint, link.Tls.Certificate!.TargetCertificate.Thumbprint);
        Assert.Equal((false, TimeSpan.FromMilliseconds(300)), (link.Tls.IsInsecure, timeout));
    }

    [Theory]
    [InlineData("v1", 1, "203.0.113.7:56324")]
    [InlineData("v2", 2, "[2001:db8::7]:1")]
    [InlineData("v2", 2, "[::1]:0")]
    public void A_PROXY_header_has_a_version_and_a_source(string given, int version, string source)
    {
        Assert.Equal(new ProxyPreamble(version, System.Net.IPEndPoint.Parse(source)), Read("127.0.0.1:1", "--proxy", given, "--proxy-source", source).Link.Proxy);
        Assert.Equal(new ProxyPreamble(version, null), Read("127.0.0.1:1", "--proxy", given).Link.Proxy);
    }

    [Theory]
    [InlineData("HOST:PORT is '[::1]': '1]' is not a port (1–65535)", "[::1]")]
    [InlineData("HOST:PORT is 'a b:1': 'a b' is not a host name or an IP address (IPv6 in brackets)", "a b:1")]
    [InlineData("--timeout is 'soon'; expected a time as in 500ms, 30s, 2m, 1h or 00:00:30", "127.0.0.1:1", "--timeout", "soon")]
    [InlineData("--timeout is '5'; expected a time as in ", "127.0.0.1:1", "--timeout", "5")]
    [InlineData("--timeout is '0s'; expected 1 ms to 24 days", "127.0.0.1:1", "--timeout", "0s")]
    [InlineData("--timeout is '1000h'; expected 1 ms to 24 days", "127.0.0.1:1", "--timeout", "1000h")]
    [InlineData("--proxy-source is '1.2.3.4'; expected IP:PORT", "127.0.0.1:1", "--proxy", "v1", "--proxy-source", "1.2.3.4")]
    [InlineData("--proxy-source is '::1:5'; expected IP:PORT", "127.0.0.1:1", "--proxy", "v1", "--proxy-source", "::1:5")]
    [InlineData("--proxy-source is 'host:5'; expected IP:PORT", "127.0.0.1:1", "--proxy", "v1", "--proxy-source", "host:5")]
    [InlineData("--proxy-source is '1:5'; expected IP:PORT", "127.0.0.1:1", "--proxy", "v1", "--proxy-source", "1:5")]
    [InlineData("--insecure needs --tls", "127.0.0.1:1", "--insecure")]
    [InlineData("--ca needs --tls", "127.0.0.1:1", "--ca", "f")]
    [InlineData("--cert needs --tls", "127.0.0.1:1", "--cert", "f")]
    [InlineData("--key needs --tls", "127.0.0.1:1", "--key", "f")]
    [InlineData("--ca is 'f', but with --insecure any certificate is believed", "127.0.0.1:1", "--tls", "--insecure", "--ca", "f")]
    [InlineData("--key is 'f', but --cert is not given", "127.0.0.1:1", "--tls", "--key", "f")]
    [InlineData("--ca is '/': ", "127.0.0.1:1", "--tls", "--ca", "/")]
    [InlineData("--ca is '/dev/null': it holds no certificate", "127.0.0.1:1", "--tls", "--ca", "/dev/null")]
    [InlineData("--cert is '/nowhere/at/all': ", "127.0.0.1:1", "--tls", "--cert", "/nowhere/at/all")]
    [InlineData("--cert is '/dev/null': ", "127.0.0.1:1", "--tls", "--cert", "/dev/null")]
    public void What_can_not_be_used_is_named(string problem, params string[] args) =>
        Assert.StartsWith(problem, Assert.Single(Assert.Throws<ConfigurationException>(() => Read(args)).Problems), StringComparison.Ordinal);

    private static (PeerTarget Target, PeerLink Link, TimeSpan Timeout) Read(params string[] args)
    {
        var command = new Command("send");
        var connection = new ConnectionArguments();
        connection.AddTo(command);
        return connection.Read(command.Parse(args));
    }
}
