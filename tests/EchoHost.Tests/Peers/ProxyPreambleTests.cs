using System.Net;
using EchoHost.Peers;
using Kestrel.ProxyProtocol;

namespace EchoHost.Tests.Peers;

public class ProxyPreambleTests
{
    [Fact]
    public void A_connection_gives_its_own_addresses_where_no_other_source_is_given()
    {
        var (local, remote, source) = (IPEndPoint.Parse("127.0.0.1:1"), IPEndPoint.Parse("127.0.0.1:2"), IPEndPoint.Parse("203.0.113.7:3"));
        Assert.Equal(ProxyHeaderWriter.V1(local, remote), new ProxyPreamble(1, null).For(local, remote));
        Assert.Equal(ProxyHeaderWriter.V2(local, remote), new ProxyPreamble(2, null).For(local, remote));
        Assert.Equal(ProxyHeaderWriter.V1(source, remote), new ProxyPreamble(1, source).For(local, remote));
        Assert.Equal(ProxyHeaderWriter.V2(source, remote), new ProxyPreamble(2, source).For(local, remote));
    }
}
