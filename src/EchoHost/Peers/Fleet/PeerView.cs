using System.Text.Json;
using System.Text.Json.Serialization;
using EchoHost.Text;

namespace EchoHost.Peers.Fleet;

/// <summary>
/// What another host answers to <c>GET /peers</c>. The peer may run another version, so members that this host does not know are
/// ignored, and of those it knows only the names and states of peers must be there. The types must be right, and texts are bounded.
/// </summary>
/// <param name="Instance">The host's name; null if an older version leaves it out.</param>
/// <param name="Labels">The host's labels; empty if an older version leaves them out.</param>
/// <param name="Peers">Its view of each peer.</param>
internal sealed record PeerView(string? Instance, IReadOnlyDictionary<string, string> Labels, IReadOnlyList<FleetPeer> Peers)
{
    /// <summary>The maximum length of the host's name and of the value of a label: that of <c>Instance</c>.</summary>
    public const int MaxText = 256;

    /// <summary>The maximum length of a peer's name: a host name of 253 characters, brackets and a port fit.</summary>
    public const int MaxName = 320;

    /// <summary>The maximum number of labels, and the maximum length of a label's key: those of <c>Instance:Labels</c>.</summary>
    public const int MaxLabels = 32;
    public const int MaxKey = 63;

    /// <summary>The maximum number of peers: more than fit into an honest answer, whose entries are longer than a liar's.</summary>
    public const int MaxPeers = 5000;

    /// <summary>The maximum length of a state or result.</summary>
    private const int MaxWord = 32;

    /// <summary>An error is cut to this length.</summary>
    public const int MaxError = 256;

    private const int MaxPath = 100;

    /// <summary>Parses an answer.</summary>
    /// <param name="json">The body, in UTF-8.</param>
    /// <exception cref="PeerException">It is not an answer of <c>GET /peers</c>; the message says where.</exception>
    public static PeerView Parse(ReadOnlySpan<byte> json)
    {
        PeerViewAnswer? answer;
        try
        {
            answer = JsonSerializer.Deserialize(json, PeerViewJson.Default.PeerViewAnswer);
        }
        catch (JsonException e)
        {
            throw Wrong($"not as expected at {e.Path ?? "its beginning"}");
        }

        if (answer is null)
        {
            throw Wrong("it is null");
        }

        Check(answer.Instance, MaxText, "instance");
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in answer.Labels ?? [])
        {
            Check(key, MaxKey, "the key of a label");
            Check(value, MaxText, "a label");
            labels[key] = value ?? throw Wrong("a label is null");
        }

        if (labels.Count > MaxLabels)
        {
            throw Wrong($"it has more than {MaxLabels} labels");
        }

        if (answer.Peers.Length > MaxPeers)
        {
            throw Wrong($"it has more than {MaxPeers} peers");
        }

        var peers = new FleetPeer[answer.Peers.Length];
        for (var i = 0; i < peers.Length; i++)
        {
            peers[i] = Checked(answer.Peers[i] ?? throw Wrong($"peers[{i}] is null"), i);
        }

        return new PeerView(answer.Instance, labels, peers);
    }

    private static FleetPeer Checked(FleetPeer peer, int i)
    {
        Check(peer.Name, MaxName, $"peers[{i}].name");
        if (peer.Name.Length == 0)
        {
            throw Wrong($"peers[{i}].name is empty");
        }

        Check(peer.State, MaxWord, $"peers[{i}].state");
        Check(peer.LastResult, MaxWord, $"peers[{i}].lastResult");
        // JSON has numbers that are too large for a double, and become infinite.
        if (!double.IsFinite(peer.LossPercent) || !double.IsFinite(peer.RttMilliseconds?.P50 ?? 0))
        {
            throw Wrong($"a number of peers[{i}] is too large");
        }

        // Another version may say more about an error than this one would.
        return peer.LastError is { Length: > MaxError } error ? peer with { LastError = Cut(error, MaxError) } : peer;
    }

    private static void Check(string? text, int max, string what)
    {
        if (text?.Length > max)
        {
            throw Wrong($"{what} has more than {max} characters");
        }
    }

    /// <summary>The beginning of a text, not cut within a surrogate pair.</summary>
    private static string Cut(string text, int max) => $"{text.AsSpan(0, char.IsHighSurrogate(text[max - 2]) ? max - 2 : max - 1)}…";

    private static PeerException Wrong(string how)
    {
        var line = ControlCharacters.Escape(how);
        return new(ProbeResult.Mismatch, $"the answer is not one of GET /peers: {(line.Length > MaxPath ? Cut(line, MaxPath) : line)}");
    }
}

/// <summary>The JSON of such an answer.</summary>
internal sealed record PeerViewAnswer([property: JsonRequired] FleetPeer?[] Peers)
{
    public string? Instance { get; init; }

    public Dictionary<string, string?>? Labels { get; init; }
}

/// <summary>Strict: a number in quotes, a member in other case or a member twice is not what a host writes.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false,
    MaxDepth = 8)]
[JsonSerializable(typeof(PeerViewAnswer))]
internal sealed partial class PeerViewJson : JsonSerializerContext;
