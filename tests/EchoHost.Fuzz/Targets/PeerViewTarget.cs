using System.Text;
using System.Text.Json;
using EchoHost.Http;
using EchoHost.Peers;
using EchoHost.Peers.Fleet;

namespace EchoHost.Fuzz.Targets;

/// <summary>
/// Another host's answer to <c>GET /peers</c>, which may lie: it is refused in one line, or has bounded texts and can be written into
/// the answer of <c>/fleet</c>, from where it is read the same again.
/// </summary>
internal static class PeerViewTarget
{
    public static FuzzTarget Target { get; } = new(
        "peer-view", "an answer is refused in one line, or is bounded and can be written again", Check, typeof(PeerView), Seeds);

    private static void Check(byte[] input)
    {
        PeerView view;
        try
        {
            view = PeerView.Parse(input);
        }
        catch (PeerException e)
        {
            Property.Holds(e.Result == ProbeResult.Mismatch, $"refused as {e.Result}");
            Property.Holds(e.Message.Length < 200 && !e.Message.Any(char.IsControl), "the reason is not one short line");
            return;
        }

        Property.Holds(!(view.Instance?.Length > PeerView.MaxText), "the instance is too long");
        Property.Holds(view.Labels.Count <= PeerView.MaxLabels, "there are too many labels");
        Property.Holds(view.Labels.All(l => l.Key.Length <= PeerView.MaxKey && l.Value.Length <= PeerView.MaxText), "a label is too long");
        Property.Holds(view.Peers.All(peer => peer.Name.Length <= PeerView.MaxName && !(peer.LastError?.Length > PeerView.MaxError)), "a peer is too long");
        var host = new FleetHost(view.Instance, view.Labels, "10.0.0.2:5555", Self: false, AgeSeconds: 0, Error: null, view.Peers);
        var json = JsonSerializer.SerializeToUtf8Bytes(host, FleetJson.Default.FleetHost);
        Property.Holds(!Encoding.UTF8.GetString(json).Any(char.IsControl), "the JSON holds a control character");
        var again = PeerView.Parse(json);
        Property.Holds(again.Instance == view.Instance && again.Labels.SequenceEqual(view.Labels), "the JSON gives another host");
        Property.Holds(again.Peers.SequenceEqual(view.Peers), "the JSON gives other peers");
    }

    private static IEnumerable<byte[]> Seeds()
    {
        yield return """
            {"instance":"echo-1","labels":{"zone":"b"},"peers":[{"name":"10.0.0.2:5555","state":"up",
            "lastResult":"ok","lastError":null,"lossPercent":0.5,"rttMilliseconds":{"last":0.2,"p50":0.25}}]}
            """u8.ToArray();
        yield return """{"peers":[{"name":"\ud83d\ude00","state":"\u001b[2J"},{"state":"","name":"","lastError":"x"}],"more":[{}]}"""u8.ToArray();
        yield return """{"peers":[{"name":"a","state":"b","lossPercent":1e999}]}"""u8.ToArray();
        yield return """{"peers":[],"labels":{"\ud800":"a"}}"""u8.ToArray();
        yield return """{"peers":null}"""u8.ToArray();
    }
}
