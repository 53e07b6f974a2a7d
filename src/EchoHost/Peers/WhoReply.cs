using System.Text.Json;
using EchoHost.Text;

namespace EchoHost.Peers;

/// <summary>The answer of a <c>Who</c> endpoint. The peer may run another version, so only the instance must be there.</summary>
/// <param name="Instance">The name of the host that answered.</param>
/// <param name="Json">The whole answer; every text in it is valid.</param>
internal sealed record WhoReply(string Instance, JsonElement Json)
{
    private const string InstanceKey = "instance";

    /// <summary>The maximum length of an instance's name; that of <c>Instance:Name</c>.</summary>
    private const int MaxName = 256;

    /// <summary>How the answer of a <c>Who</c> endpoint begins.</summary>
    private static ReadOnlySpan<byte> Beginning => "{\"instance\":"u8;

    /// <summary>Parses an answer.</summary>
    /// <param name="line">The line, in UTF-8.</param>
    /// <exception cref="PeerException">It is not a <c>Who</c> endpoint's.</exception>
    public static WhoReply Parse(byte[] line)
    {
        try
        {
            using var answer = JsonDocument.Parse(line);
            var root = answer.RootElement;
            CheckTexts(root);
            return root.ValueKind == JsonValueKind.Object
                && root.TryGetProperty(InstanceKey, out var instance)
                && instance.ValueKind == JsonValueKind.String
                && instance.GetString() is { Length: > 0 and <= MaxName } name
                ? new WhoReply(name, root.Clone())
                : throw PeerException.OfMismatch($"the answer names no instance (1 to {MaxName} characters), as a Who endpoint's does", line);
        }
        // The parser does not look into texts: a surrogate without its pair and invalid UTF-8 are found when they are read.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw PeerException.OfMismatch("the answer is not a line of JSON, as a Who endpoint's is", line);
        }
    }

    /// <summary>Whether bytes are the beginning of such an answer, though something else was expected.</summary>
    public static bool IsBeginning(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Beginning);

    /// <summary>The answer as one line of JSON, written again: it can hold no control character, not even as white space.</summary>
    public string ToJson() => JsonText.Of(Json.WriteTo);

    /// <summary>Reads every text. The parser limits the depth.</summary>
    /// <exception cref="InvalidOperationException">A text is not valid.</exception>
    private static void CheckTexts(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                _ = value.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    CheckTexts(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (var property in value.EnumerateObject())
                {
                    _ = property.Name;
                    CheckTexts(property.Value);
                }

                break;
            default:
                break;
        }
    }
}
