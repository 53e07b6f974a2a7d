using System.Text.Json;
using EchoHost.Text;

namespace EchoHost.Commands;

/// <summary>A <c>Who</c> endpoint's answer for a person: a line for each property, aligned.</summary>
internal static class WhoText
{
    private const string None = "-";

    /// <summary>
    /// Formats the answer. Nested properties without a value are left out. Unknown properties are shown as well, as the peer
    /// may run a newer version; control characters are escaped.
    /// </summary>
    public static string Of(JsonElement answer)
    {
        var lines = answer.EnumerateObject().Select(property => (Name: MessageText.Escape(property.Name), Value: Flat(property.Value))).ToArray();
        var width = lines.Max(line => line.Name.Length);
        return string.Join('\n', lines.Select(line => $"{line.Name.PadRight(width)}  {line.Value}"));
    }

    private static string Flat(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => None,
        JsonValueKind.Object => OrNone(value.EnumerateObject()
            .Where(property => property.Value.ValueKind != JsonValueKind.Null)
            .Select(property => $"{MessageText.Escape(property.Name)} {Inner(property.Value)}")),
        JsonValueKind.Array => OrNone(value.EnumerateArray().Select(Inner)),
        _ => MessageText.Escape(value.ToString()),
    };

    private static string OrNone(IEnumerable<string> values) => string.Join(", ", values) is { Length: > 0 } text ? text : None;

    private static string Inner(JsonElement value) =>
        value.ValueKind is JsonValueKind.Object or JsonValueKind.Array ? $"({Flat(value)})" : Flat(value);
}
