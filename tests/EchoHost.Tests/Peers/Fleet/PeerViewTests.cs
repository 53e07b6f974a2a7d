using System.Text;
using System.Text.Json;
using EchoHost.Http;
using EchoHost.Peers;
using EchoHost.Peers.Fleet;
using EchoHost.Peers.Mesh;

namespace EchoHost.Tests.Peers.Fleet;

public class PeerViewTests
{
    private const string Beginning = "the answer is not one of GET /peers: ";

    /// <summary>What this version writes, this version reads.</summary>
    [Fact]
    public void The_answer_of_this_version_is_read()
    {
        var labels = new Dictionary<string, string> { ["zone"] = "a", ["Node"] = "" };
        var peer = new Peer(new PeerTarget("10.0.0.2", 5555, IsTls: true), PeerSource.Dns);
        peer.Record(new Probe(ProbeResult.Ok, null, TimeSpan.FromMilliseconds(1.5), IsTurnedAway: false), DateTimeOffset.UtcNow, (_, _) => { });
        peer.Record(new Probe(ProbeResult.Refused, "Connection refused", null, IsTurnedAway: false), DateTimeOffset.UtcNow, (_, _) => { });
        var json = JsonSerializer.SerializeToUtf8Bytes(new PeerDescriptions("écho", labels, [peer.Describe()]), PeersJson.Default.PeerDescriptions);
        var view = PeerView.Parse(json);
        Assert.Equal("écho", view.Instance);
        Assert.Equal(labels.OrderBy(l => l.Key, StringComparer.Ordinal), view.Labels);
        Assert.Equal(
            new FleetPeer("10.0.0.2:5555", "down", "refused", "Connection refused", 50, new FleetRoundTrip(1.5)), Assert.Single(view.Peers));
    }

    [Fact]
    public void One_host_can_not_use_up_the_pairs_of_a_fleet()
    {
        static string Peers(int count) => $$"""{"peers":[{{string.Join(',', Enumerable.Repeat("""{"name":"a","state":""}""", count))}}]}""";
        Assert.Equal(PeerView.MaxPeers, Parse(Peers(PeerView.MaxPeers)).Peers.Count);
        var problem = Assert.Throws<PeerException>(() => Parse(Peers(PeerView.MaxPeers + 1)));
        Assert.Equal($"{Beginning}it has more than 5000 peers", problem.Message);
    }

    [Fact]
    public void An_answer_of_another_version_may_lack_or_have_more()
    {
        var view = Parse("""{"more":{"a":[1]},"peers":[{"name":"a:1","state":"asleep","other":null}]}""");
        Assert.Null(view.Instance);
        Assert.Empty(view.Labels);
        Assert.Equal(new FleetPeer("a:1", "asleep", null, null, 0, null), Assert.Single(view.Peers));
    }

    [Theory]
    [InlineData("", "not as expected at $")]
    [InlineData("null", "it is null")]
    [InlineData("[]", "not as expected at $")]
    [InlineData("{}", "not as expected at $")]
    [InlineData("{\"peers\":null}", "not as expected at $.peers")]
    [InlineData("{\"peers\":[]} x", "not as expected at $")]
    [InlineData("{\"Peers\":[]}", "not as expected at $")]
    [InlineData("{\"peers\":[],\"peers\":[]}", "not as expected at $.peers")]
    [InlineData("{\"peers\":[null]}", "peers[0] is null")]
    [InlineData("{\"peers\":[{\"name\":\"a:1\"}]}", "not as expected at $.peers[0]")]
    [InlineData("{\"peers\":[{\"name\":\"\",\"state\":\"up\"}]}", "peers[0].name is empty")]
    [InlineData("{\"peers\":[{\"name\":null,\"state\":\"up\"}]}", "not as expected at $.peers[0].name")]
    [InlineData("{\"peers\":[{\"name\":1,\"state\":\"up\"}]}", "not as expected at $.peers[0].name")]
    [InlineData("{\"peers\":[{\"name\":\"a:1\",\"state\":\"up\",\"lossPercent\":\"1\"}]}", "not as expected at $.peers[0].lossPercent")]
    [InlineData("{\"peers\":[{\"name\":\"a:1\",\"state\":\"up\",\"lossPercent\":1e999}]}", "a number of peers[0] is too large")]
    [InlineData("{\"peers\":[{\"name\":\"a:1\",\"state\":\"up\",\"rttMilliseconds\":{\"p50\":-1e999}}]}", "a number of peers[0] is too large")]
    [InlineData("{\"peers\":[{\"name\":\"\\ud800\",\"state\":\"up\"}]}", "not as expected at $.peers[0].name")]
    [InlineData("{\"peers\":[],\"instance\":7}", "not as expected at $.instance")]
    [InlineData("{\"peers\":[],\"labels\":[]}", "not as expected at $.labels")]
    [InlineData("{\"peers\":[],\"labels\":{\"a\":null}}", "a label is null")]
    [InlineData("{\"peers\":[],\"labels\":{\"\\u001b[2J\":1}}", "not as expected at $.labels['\\x1b[2J']")]
    public void Anything_else_is_refused_with_its_place(string json, string where)
    {
        var e = Assert.Throws<PeerException>(() => Parse(json));
        Assert.Equal((ProbeResult.Mismatch, Beginning + where), (e.Result, e.Message));
    }

    [Fact]
    public void Texts_are_bounded()
    {
        static string Of(string instance = "i", string key = "k", string label = "l", string name = "n", string state = "s", string result = "r") =>
            $$"""{"instance":"{{instance}}","labels":{"{{key}}":"{{label}}"},"""
            + $$"""
            "peers":[{"name":"{{name}}","state":"{{state}}","lastResult":"{{result}}"}]}
            """;
        static string Long(int length) => new('x', length);
        Parse(Of(Long(256), Long(63), Long(256), Long(320), Long(32), Long(32)));
        void Refused(string json, string what) => Assert.Equal(Beginning + what, Assert.Throws<PeerException>(() => Parse(json)).Message);
        Refused(Of(instance: Long(257)), "instance has more than 256 characters");
        Refused(Of(key: Long(64)), "the key of a label has more than 63 characters");
        Refused(Of(label: Long(257)), "a label has more than 256 characters");
        Refused(Of(name: Long(321)), "peers[0].name has more than 320 characters");
        Refused(Of(state: Long(33)), "peers[0].state has more than 32 characters");
        Refused(Of(result: Long(33)), "peers[0].lastResult has more than 32 characters");
        static string Labels(int count) => $$$"""{"peers":[],"labels":{{{{string.Join(',', Enumerable.Range(0, count).Select(i => $"\"k{i}\":\"\""))}}}}}""";
        Assert.Equal(32, Parse(Labels(32)).Labels.Count);
        Refused(Labels(33), "it has more than 32 labels");
    }

    [Fact]
    public void A_long_error_is_cut_but_not_within_a_character()
    {
        static string Error(string text) => Parse($$"""{"peers":[{"name":"a:1","state":"down","lastError":"{{text}}"}]}""").Peers[0].LastError!;
        Assert.Equal(new string('x', 256), Error(new string('x', 256)));
        Assert.Equal(new string('x', 255) + "…", Error(new string('x', 257)));
        Assert.Equal(new string('x', 254) + "…", Error(new string('x', 254) + "😀😀"));
    }

    [Fact]
    public void A_long_place_is_cut()
    {
        var e = Assert.Throws<PeerException>(() => Parse($$$"""{"peers":[],"labels":{"{{{new string('x', 1000)}}}":1}}"""));
        Assert.Equal(Beginning.Length + 100, e.Message.Length);
    }

    private static PeerView Parse(string json) => PeerView.Parse(Encoding.UTF8.GetBytes(json));
}
