using System.Net;
using System.Net.Sockets;
using EchoHost.Peers;

namespace EchoHost.Tests.Peers;

public class PeerTargetTests
{
    [Theory]
    [InlineData("127.0.0.1:5555", "127.0.0.1", 5555, false, "127.0.0.1:5555")]
    [InlineData("[::1]:5555", "::1", 5555, false, "[::1]:5555")]
    [InlineData("[2001:DB8::1]:65535", "2001:db8::1", 65535, false, "[2001:db8::1]:65535")]
    [InlineData("[::ffff:192.0.2.1]:1", "192.0.2.1", 1, false, "192.0.2.1:1")]
    [InlineData("[0:0::1]:1", "::1", 1, false, "[::1]:1")]
    [InlineData("localhost:1", "localhost", 1, false, "localhost:1")]
    [InlineData("Echo-1.Example.ORG:443", "echo-1.example.org", 443, false, "echo-1.example.org:443")]
    [InlineData("echo.example.:7", "echo.example.", 7, false, "echo.example.:7")]
    [InlineData("tls://echo.example:443", "echo.example", 443, true, "echo.example:443")]
    [InlineData("TLS://[::1]:443", "::1", 443, true, "[::1]:443")]
    [InlineData("tls://10.0.0.2:443", "10.0.0.2", 443, true, "10.0.0.2:443")]
    public void A_target_is_a_host_and_a_port(string text, string host, int port, bool isTls, string name)
    {
        Assert.True(PeerTarget.TryParse(text, out var target, out var problem), problem);
        Assert.Null(problem);
        Assert.Equal((host, port, isTls, name), (target!.Host, target.Port, target.IsTls, target.Name));
        Assert.Null(target.EndPoint);
    }

    [Theory]
    [InlineData("", PeerTarget.Shapes)]
    [InlineData("localhost", PeerTarget.Shapes)]
    [InlineData(":5555", PeerTarget.Shapes)]
    [InlineData("tls://", PeerTarget.Shapes)]
    [InlineData("tls://:443", PeerTarget.Shapes)]
    [InlineData("localhost:", "'' is not a port")]
    [InlineData("localhost:0", "'0' is not a port")]
    [InlineData("localhost:65536", "'65536' is not a port")]
    [InlineData("localhost:-1", "'-1' is not a port")]
    [InlineData("localhost:+1", "'+1' is not a port")]
    [InlineData("localhost: 1", "' 1' is not a port")]
    [InlineData("localhost:1 ", "'1 ' is not a port")]
    [InlineData("localhost:http", "'http' is not a port")]
    [InlineData("localhost:99999999999999999999", "'99999999999999999999' is not a port")]
    [InlineData("localhost:5555/", "'5555/' is not a port")]
    [InlineData("[::1]", "'1]' is not a port")]
    [InlineData("::1:5555", "'::1' is not a host name")]
    [InlineData("[::1:5555", "'[::1' is not a host name")]
    [InlineData("::1]:5555", "'::1]' is not a host name")]
    [InlineData("[]:5555", "'[]' is not a host name")]
    [InlineData("[:5555", "'[' is not a host name")]
    [InlineData("]:5555", "']' is not a host name")]
    [InlineData("[[::1]]:5555", "'[[::1]]' is not a host name")]
    [InlineData("[[::1]:80]:5555", "'[[::1]:80]' is not a host name")]
    [InlineData("[::1/64]:5555", "'[::1/64]' is not a host name")]
    [InlineData("[127.0.0.1]:5555", "'[127.0.0.1]' is not a host name")]
    [InlineData("[localhost]:5555", "'[localhost]' is not a host name")]
    [InlineData("127.1:5555", "'127.1' is not a host name")]
    [InlineData("2130706433:5555", "'2130706433' is not a host name")]
    [InlineData("127.0.0.256:5555", "'127.0.0.256' is not a host name")]
    [InlineData("127.0.0.1.1:5555", "'127.0.0.1.1' is not a host name")]
    [InlineData("127.0.0.010:5555", "'127.0.0.010' is not a host name")]
    [InlineData("0x7f.0.0.1:5555", "'0x7f.0.0.1' is not a host name")]
    [InlineData("0x7f000001:5555", "'0x7f000001' is not a host name")]
    [InlineData("...:5555", "'...' is not a host name")]
    [InlineData("a b:5555", "'a b' is not a host name")]
    [InlineData("a..b:5555", "'a..b' is not a host name")]
    [InlineData("http://localhost:5555", PeerTarget.Shapes)]
    [InlineData("tcp://localhost:5555", PeerTarget.Shapes)]
    [InlineData("tls://http://localhost:5555", PeerTarget.Shapes)]
    [InlineData("user@localhost:5555", "'user@localhost' is not a host name")]
    [InlineData("localhost/path:5555", "'localhost/path' is not a host name")]
    [InlineData(" localhost:5555", "' localhost' is not a host name")]
    [InlineData("*:5555", "'*' is not a host name")]
    public void What_is_none_is_refused_with_a_reason(string text, string reason)
    {
        Assert.False(PeerTarget.TryParse(text, out var target, out var problem), target?.Host);
        Assert.Null(target);
        Assert.StartsWith(reason, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void One_of_several_addresses_is_called_by_it()
    {
        var target = new PeerTarget("echo.example", 5555, false) { EndPoint = IPEndPoint.Parse("[2001:db8::1]:5555") };
        Assert.Equal("[2001:db8::1]:5555", target.Name);
        Assert.Equal(target.EndPoint, target.KnownEndPoint);
        Assert.Equal("10.0.0.2:5555", (target with { EndPoint = IPEndPoint.Parse("10.0.0.2:5555") }).Name);
    }
    [Fact]
    public void Where_a_peer_listens_may_be_known()
    {
        Assert.Equal(IPEndPoint.Parse("[::1]:7"), new PeerTarget("::1", 7, false).KnownEndPoint);
        Assert.Null(new PeerTarget("localhost", 7, false).KnownEndPoint);
        Assert.Equal(("localhost", 7, "127.0.0.1:7"), Parts(PeerTarget.At(IPEndPoint.Parse("127.0.0.1:7"), isTls: true, "localhost")));
        Assert.Equal(("localhost", 0, "/run/echo.sock"), Parts(PeerTarget.At(new UnixDomainSocketEndPoint("/run/echo.sock"), isTls: false, "localhost")));
    }

    private static (string Host, int Port, string Name) Parts(PeerTarget target) => (target.Host, target.Port, target.Name);
}
