using System.Net;
using EchoHost.Connections.Admission;

namespace EchoHost.Tests.Connections.Admission;

public class ClientNetworkTests
{
    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", true)]
    [InlineData("::ffff:192.0.2.1", "::ffff:192.0.2.2", false)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData(null, null, true)]
    [InlineData(null, "192.0.2.1", false)]
    [InlineData(null, "::1", false)]
    public void IPv6_addresses_are_counted_by_their_network(string? one, string? other, bool isSame) => Assert.Equal(isSame, Of(one).Equals(Of(other)));

    private static IPAddress Of(string? address) => ClientNetwork.Of(address is null ? null : IPAddress.Parse(address));
}
