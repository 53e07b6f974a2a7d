using System.Net;
using EchoHost.Connections.Tracking;
using EchoHost.Http;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Tests.Http;

/// <summary>Values of the parameter <c>peer</c> of <c>/connections</c> that fuzzing found to be misread.</summary>
public class ClientFilterTests
{
    [Theory]
    [InlineData("[2001:db8::1]:56324")]
    [InlineData("[2001:db8:0:0::1]:56324")]
    [InlineData("2001:DB8::1")]
    [InlineData("[2001:db8::1]")]
    [InlineData("2001:db8::/32")]
    public void What_says_the_peer_finds_it(string text) => Assert.True(Finds(text, "[2001:db8::1]:56324"));

    [Theory]
    [InlineData("[2001:db8::1]:1")]
    [InlineData("2001:db8::2")]
    [InlineData("2001:db9::/32")]
    [InlineData("192.0.2.1")]
    public void What_says_another_does_not(string text) => Assert.False(Finds(text, "[2001:db8::1]:56324"));

    [Theory]
    [InlineData("::ffff:192.0.2.1")]
    [InlineData("[::ffff:192.0.2.1]:443")]
    [InlineData("::ffff:192.0.2.0/120")]
    [InlineData("192.0.2.1:443")]
    public void A_mapped_address_is_IPv4(string text) => Assert.True(Finds(text, "192.0.2.1:443"));

    [Theory]
    [InlineData("443")]
    [InlineData("10.1")]
    [InlineData("10.1:443")]
    [InlineData("010.0.0.1")]
    [InlineData("[2001:db8::1]:1:2")]
    [InlineData("[2001:db8::1]:70000")]
    public void What_is_no_address_is_refused(string text) => Assert.Null(ConnectionsEndpoint.ClientFilter(text));

    private static bool Finds(string text, string peer)
    {
        var connection = new TrackedConnection(new DefaultConnectionContext("id") { RemoteEndPoint = IPEndPoint.Parse(peer) }, "Tcp", TimeProvider.System);
        return Assert.IsType<Func<TrackedConnection, bool>>(ConnectionsEndpoint.ClientFilter(text))(connection);
    }
}
