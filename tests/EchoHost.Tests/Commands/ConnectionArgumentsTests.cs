using System.CommandLine;
using System.Net.Sockets;
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
        var (_, link, timeout) = Read(
            "127.0.0.1:1",
            "--tls",
            "--ca", certificate.CertificatePath,
            "--cert", certificate.CertificatePath,
            "--key", certificate.KeyPath,
            "--timeout", "300ms");
        Assert.Equal(certificate.Certificate.Thumbprint, Assert.Single(link.Tls!.Authorities!).Thumbprint);
        Assert.Equal(certificate.Certificate.Thumbprint, link.Tls.Certificate!.TargetCertificate.Thumbprint);
        Assert.Equal((false, TimeSpan.FromMilliseconds(300)), (link.Tls.IsInsecure, timeout));
    }

    [Theory]
    [InlineData("echo.example", "echo.example", 5555, false)]
    [InlineData("tls://echo.example", "echo.example", 5555, true)]
    [InlineData("127.0.0.1", "127.0.0.1", 5555, false)]
    [InlineData("[2001:db8::1]", "2001:db8::1", 5555, false)]
    [InlineData("2001:db8::1", "2001:db8::1", 5555, false)]
    [InlineData("tls://::1", "::1", 5555, true)]
    [InlineData("[::1]:7", "::1", 7, false)]
    public void A_host_alone_means_its_port_5555(string text, string host, int port, bool isTls) =>
        Assert.Equal(new PeerTarget(host, port, isTls), Read(text).Target);

    [Theory]
    [InlineData(AddressFamily.Unspecified, null)]
    [InlineData(AddressFamily.InterNetwork, null, "-4")]
    [InlineData(AddressFamily.InterNetworkV6, null, "-6")]
    [InlineData(AddressFamily.InterNetwork, "10.0.0.9", "--source", "10.0.0.9")]
    [InlineData(AddressFamily.InterNetworkV6, "2001:db8::9", "-6", "--source", "2001:db8::9")]
    public void The_family_and_the_source_may_be_chosen(AddressFamily family, string? source, params string[] args)
    {
        var link = Read(["echo.example", .. args]).Link;
        Assert.Equal((family, source), (link.Family, link.Source?.ToString()));
    }

    [Fact]
    public void A_key_of_another_certificate_is_said_to_be_one()
    {
        using TestCertificate one = new(), other = new();
        var problem = Assert.Single(
            Assert.Throws<ConfigurationException>(() => Read("127.0.0.1:1", "--tls", "--cert", one.CertificatePath, "--key", other.KeyPath)).Problems);
        Assert.Equal($"--cert is '{one.CertificatePath}': the key does not match the certificate", problem);
    }

    [Fact]
    public void Another_server_name_may_be_expected() =>
        Assert.Equal("echo.example", Read("127.0.0.1:1", "--tls", "--servername", "echo.example").Link.Tls!.ServerName);

    [Theory]
    [InlineData("v1", 1, "203.0.113.7:56324")]
    [InlineData("v2", 2, "[2001:db8::7]:1")]
    [InlineData("v2", 2, "[::1]:0")]
    public void A_PROXY_header_has_a_version_and_a_source(string given, int version, string source)
    {
        Assert.Equal(
            new ProxyPreamble(version, System.Net.IPEndPoint.Parse(source)),
            Read("127.0.0.1:1", "--proxy", given, "--proxy-source", source).Link.Proxy);
        Assert.Equal(new ProxyPreamble(version, null), Read("127.0.0.1:1", "--proxy", given).Link.Proxy);
    }

    [Theory]
    [InlineData("HOST:PORT is '[::1': ", "[::1")]
    [InlineData("HOST:PORT is '': expected HOST:PORT or tls://HOST:PORT (HOST alone is HOST:5555)", "")]
    [InlineData("-4 and -6 exclude each other", "echo.example", "-4", "-6")]
    [InlineData("-4 is given, but ::1 is an IPv6 address", "::1", "-4")]
    [InlineData("-6 is given, but 127.0.0.1 is an IPv4 address", "127.0.0.1:1", "-6")]
    [InlineData("--source is 'eth0'; expected an IP address", "echo.example", "--source", "eth0")]
    [InlineData("--source is '10.1'; expected an IP address", "echo.example", "--source", "10.1")]
    [InlineData("--source is '::1', an IPv6 address, but -4 is given", "echo.example", "-4", "--source", "::1")]
    [InlineData("--source is '::1', an IPv6 address, but 127.0.0.1 is IPv4", "127.0.0.1", "--source", "::1")]
    [InlineData("--servername needs --tls", "127.0.0.1:1", "--servername", "echo.example")]
    [InlineData("--servername is 'a b'; expected a host name", "127.0.0.1:1", "--tls", "--servername", "a b")]
    [InlineData("HOST:PORT is 'a b:1': 'a b' is not a host name or an IP address (IPv6 in brackets)", "a b:1")]
    [InlineData("--timeout is 'soon'; expected a time as in 500ms, 30s, 2m, 1h or 00:00:30", "127.0.0.1:1", "--timeout", "soon")]
    [InlineData("--timeout is '5'; expected a time as in ", "127.0.0.1:1", "--timeout", "5")]
    [InlineData("--timeout is '0s'; expected 1 ms to 24 days", "127.0.0.1:1", "--timeout", "0s")]
    [InlineData("--timeout is '1000h'; expected 1 ms to 24 days", "127.0.0.1:1", "--timeout", "1000h")]
    [InlineData("--proxy-source is '1.2.3.4'; expected IP:PORT", "127.0.0.1:1", "--proxy", "v1", "--proxy-source", "1.2.3.4")]
    [InlineData("--proxy-source is '::1:5'; expected IP:PORT", "127.0.0.1:1", "--proxy", "v1", "--proxy-source", "::1:5")]
    [InlineData("--proxy-source is '[::1]:5:6'; expected IP:PORT", "127.0.0.1:1", "--proxy", "v1", "--proxy-source", "[::1]:5:6")]
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
        // After a command's name; a first argument in brackets would be a directive.
        return connection.Read(new RootCommand { command }.Parse([command.Name, .. args]));
    }
}
