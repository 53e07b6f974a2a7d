using EchoHost.Peers;
using EchoHost.Peers.Mesh;

namespace EchoHost.Tests.Peers.Mesh;

public class PeerListTests
{
    private readonly PeerList _peers = new();

    [Theory]
    [InlineData("10.0.0.2:5555", "10.0.0.2:5555")]
    [InlineData("10.0.0.2:5555", "tls://10.0.0.2:5555")]
    [InlineData("tls://Echo.Example:5556", "echo.example:5556")]
    [InlineData("tls://Echo.Example:5556", "ECHO.example:5556")]
    [InlineData("tls://Echo.Example:5556", "TLS://ECHO.EXAMPLE:5556")]
    [InlineData("[2001:db8::1]:5555", "[2001:db8::1]:5555")]
    [InlineData("[2001:DB8::1]:5555", "tls://[2001:db8::1]:5555")]
    public void A_peer_is_found_however_its_name_is_written(string configured, string asked)
    {
        var peer = Add(configured);
        Add("10.9.9.9:5555");
        Assert.Same(peer, _peers.Find(asked));
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.0.0.2")]
    [InlineData("10.0.0.2:5556")]
    [InlineData("10.0.0.3:5555")]
    [InlineData("tls://")]
    [InlineData("tcp://10.0.0.2:5555")]
    [InlineData("../10.0.0.2:5555")]
    public void Nobody_else_is(string asked)
    {
        Add("10.0.0.2:5555");
        Assert.Null(_peers.Find(asked));
    }

    [Fact]
    public void One_that_is_removed_is_forgotten_but_not_its_successor()
    {
        var first = Add("10.0.0.2:5555");
        _peers.Remove(first);
        Assert.Equal((0, null), (_peers.Count, _peers.Find("10.0.0.2:5555")));
        Assert.Null(first.Record(Probe.Answered(TimeSpan.Zero), default, (_, _) => Assert.Fail("counted")));

        var second = Add("10.0.0.2:5555");
        _peers.Remove(first);
        Assert.Same(second, Assert.Single(_peers.All()));
    }

    private Peer Add(string text)
    {
        Assert.True(PeerTarget.TryParse(text, out var target, out _));
        var peer = new Peer(target!, PeerSource.Targets);
        _peers.Add(peer);
        return peer;
    }
}
