using System.Net;
using System.Net.Sockets;
using EchoHost.Configuration;
using EchoHost.Connections.ProxyProtocol;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Tests.Connections.ProxyProtocol;

public class ProxyTrustTests
{
    private static readonly NetworkSet Proxies = NetworkSet.Parse("Echo:TrustedProxies", ["192.0.2.0/24"]);

    [Theory]
    [InlineData("192.0.2.7", true)]
    [InlineData("::ffff:192.0.2.7", true)]
    [InlineData("198.51.100.7", false)]
    public void An_address_is_trusted_where_the_networks_have_it(string address, bool isTrusted)
    {
        var connection = new DefaultConnectionContext { RemoteEndPoint = new IPEndPoint(IPAddress.Parse(address), 5000) };
        Assert.Equal(isTrusted, ProxyProtocolExtensions.IsTrusted(connection, Proxies, isUnix: false));
    }

    /// <summary>A Unix socket's file permissions decide which processes connect; other sockets have nothing like that.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void No_address_is_trusted_on_a_Unix_socket_alone(bool isUnix)
    {
        Assert.Equal(isUnix, ProxyProtocolExtensions.IsTrusted(new DefaultConnectionContext(), Proxies, isUnix));
        var nameless = new DefaultConnectionContext { RemoteEndPoint = new UnixDomainSocketEndPoint("/run/client") };
        Assert.Equal(isUnix, ProxyProtocolExtensions.IsTrusted(nameless, Proxies, isUnix));
    }
}
