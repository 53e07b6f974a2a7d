using System.Buffers;
using System.Globalization;
using System.Text;
using EchoHost.Text;

namespace EchoHost.Fuzz.Targets;

/// <summary>
/// A message in a log line: one line without an unescaped quote, of bounded length, and reversible, so that no two messages
/// look the same.
/// </summary>
internal static class MessageTextTarget
{
    /// <summary>The length with every byte escaped, and with the number of bytes left out.</summary>
    private const int MaxCharacters = (4 * MessageText.MaxBytes) + 40;

    public static FuzzTarget Target { get; } = new(
        "message-text", "a message's text is one bounded line that gives the bytes again", Check, typeof(MessageText), Seeds);

    private static void Check(byte[] input)
    {
        var text = MessageText.Escape(new ReadOnlySequence<byte>(input));
        Property.IsLine(text, "the text");
        Property.Holds(text.Length <= MaxCharacters, $"{text.Length} characters of {input.Length} bytes");
        foreach (var size in (int[])[1, 7])
        {
            Property.Holds(text == MessageText.Escape(Inputs.InPieces(input, size)), "the text depends on how the bytes are cut");
        }

        var shown = input.Length;
        if (input.Length > MessageText.MaxBytes)
        {
            var end = text.LastIndexOf("… (+", StringComparison.Ordinal);
            Property.Holds(end >= 0 && text.EndsWith(" bytes)", StringComparison.Ordinal), "nothing says that bytes are left out");
            shown = input.Length - int.Parse(text.AsSpan((end + "… (+".Length)..^" bytes)".Length), NumberStyles.None, CultureInfo.InvariantCulture);
            Property.Holds(shown is > MessageText.MaxBytes - 4 and <= MessageText.MaxBytes, $"{shown} bytes are shown");
            text = text[..end];
        }

        Property.Holds(Unescape(text).SequenceEqual(input.AsSpan(0, shown)), "the text says other bytes");
    }

    private static ReadOnlySpan<byte> Unescape(string text)
    {
        var bytes = new ArrayBufferWriter<byte>();
        for (var at = 0; at < text.Length;)
        {
            Property.Holds(text[at] != '"', "a quote that is not escaped");
            if (text[at] != '\\')
            {
                Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var consumed);
                Append(rune);
                at += consumed;
                continue;
            }

            Property.Holds(at + 1 < text.Length, "a backslash at the end");
            switch (text[at + 1])
            {
                case 'x':
                    bytes.Write([(byte)Hex(2)]);
                    break;
                case 'u':
                    Append(new Rune(Hex(4)));
                    break;
                case 'U':
                    Append(new Rune(Hex(8)));
                    break;
                case var c:
                    Append(new Rune(c switch
                    {
                        'r' => '\r',
                        'n' => '\n',
                        't' => '\t',
                        '"' or '\\' => c,
                        _ => throw new PropertyException($"\\{c} means nothing"),
                    }));
                    at += 2;
                    break;
            }

            int Hex(int digits)
            {
                Property.Holds(text.Length - at >= 2 + digits, "an escape that is cut");
                var value = int.Parse(text.AsSpan(at + 2, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                at += 2 + digits;
                return value;
            }
        }

        return bytes.WrittenSpan;

        void Append(Rune rune)
        {
            var space = bytes.GetSpan(4);
            bytes.Advance(rune.EncodeToUtf8(space));
        }
    }

    private static IEnumerable<byte[]> Seeds()
    {
        yield return "Hello, opencode.space!\r\n"u8.ToArray();
        yield return "\"quoted\\\" \t\0\x1b[31mred"u8.ToArray();
        yield return "h\u00e9 \u20ac \U0001F600 \u2028 \u202e \ue000 \U000E0001"u8.ToArray();
        yield return [0xC3, 0x28, 0xFF, 0xE2, 0x82, 0xED, 0xA0, 0x80, 0xF4, 0x90, 0x80, 0x80];
        yield return [.. Enumerable.Repeat((byte)'a', 254), 0xE2, 0x82, 0xAC, (byte)'b'];
        yield return [.. Enumerable.Repeat((byte)0x80, 300)];
        yield return [.. Enumerable.Repeat((byte)'a', 240), .. "\u2026 (+5 bytes)"u8];
    }
}
