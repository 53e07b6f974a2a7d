using System.Text;
using EchoHost.Commands;
using EchoHost.Peers;

namespace EchoHost.Fuzz.Targets;

/// <summary>
/// The answer of a <c>Who</c> endpoint, which may lie: it is refused as a mismatch, or becomes text without control characters and
/// one line of JSON that gives the same answer again.
/// </summary>
internal static class WhoReplyTarget
{
    public static FuzzTarget Target { get; } = new(
        "who-reply", "an answer is a mismatch, or text and JSON that a terminal can show", Check, typeof(WhoReply), Seeds);

    private static void Check(byte[] input)
    {
        WhoReply reply;
        try
        {
            reply = WhoReply.Parse(input);
        }
        catch (PeerException e)
        {
            Property.Holds(e.Result == ProbeResult.Mismatch, $"refused as {e.Result}");
            return;
        }

        Property.Holds(reply.Instance.Length is > 0 and <= 256, $"an instance with {reply.Instance.Length} characters");
        foreach (var line in WhoText.Of(reply.Json).Split('\n'))
        {
            Property.Holds(!line.Any(char.IsControl), "the text holds a control character");
        }

        var json = reply.ToJson();
        Property.Holds(!json.Any(char.IsControl), "the JSON holds a control character");
        var again = WhoReply.Parse(Encoding.UTF8.GetBytes(json));
        Property.Holds(again.Instance == reply.Instance && again.ToJson() == json, "the JSON gives another answer");
    }

    private static IEnumerable<byte[]> Seeds()
    {
        yield return """{"instance":"echo-1","labels":{"zone":"b"},"tcp":{"rttMs":0.018},"tls":null,"headers":{"Via":["1.1 x"]}}"""u8.ToArray();
        yield return """{"instance":"\ud83d\ude00","x":"\ud800"}"""u8.ToArray();
        yield return "{\r\n \"instance\" : \"a\\u001b[2J\" , \"n\":1e999}"u8.ToArray();
        yield return [.. "{\"instance\":\"a\",\"x\":\""u8, 0xFF, .. "\"}"u8];
        yield return "[[[]]]"u8.ToArray();
        yield return "{\"instance\":\"\"}"u8.ToArray();
    }
}
