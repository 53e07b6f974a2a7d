using System.Buffers;
using System.Globalization;
using System.Text;

namespace EchoHost.Text;

/// <summary>Formats a message's bytes as one line of unambiguous text for the log.</summary>
internal static class MessageText
{
    /// <summary>The maximum number of bytes of a message that are shown.</summary>
    public const int MaxBytes = 256;

    /// <summary>
    /// Shows UTF-8 as text. Quotes, backslashes, control and formatting characters (such as line and direction marks) and
    /// bytes that are not UTF-8 are escaped as in C#: <c>\r</c>, <c>\x00</c>, <c>\u2028</c>. Bytes beyond
    /// <see cref="MaxBytes"/> are only counted: <c>… (+N bytes)</c>.
    /// </summary>
    public static string Escape(in ReadOnlySequence<byte> message)
    {
        Span<byte> shown = stackalloc byte[MaxBytes];
        var length = (int)Math.Min(message.Length, MaxBytes);
        message.Slice(0, length).CopyTo(shown);
        if (message.Length > MaxBytes)
        {
            length = WithoutPartialRune(shown[..length]);
        }

        var text = new StringBuilder(length + 32);
        for (var rest = shown[..length]; !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf8(rest, out var rune, out var consumed) == OperationStatus.Done)
            {
                Append(text, rune);
            }
            else
            {
                foreach (var b in rest[..consumed])
                {
                    text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
                }
            }

            rest = rest[consumed..];
        }

        if (message.Length > length)
        {
            text.Append(CultureInfo.InvariantCulture, $"… (+{message.Length - length} bytes)");
        }

        return text.ToString();
    }

    /// <summary>Shows a short text from outside on one line: control and formatting characters are escaped, nothing else.</summary>
    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is '"' or '\\')
            {
                escaped.Append((char)rune.Value);
            }
            else
            {
                Append(escaped, rune);
            }
        }

        return escaped.ToString();
    }

    /// <summary>The length without an incomplete character at the end.</summary>
    private static int WithoutPartialRune(ReadOnlySpan<byte> bytes)
    {
        for (var back = 1; back <= 3 && back < bytes.Length; back++)
        {
            var tail = bytes[^back..];
            if ((tail[0] & 0xC0) != 0x80)
            {
                return Rune.DecodeFromUtf8(tail, out _, out _) == OperationStatus.NeedMoreData ? bytes.Length - back : bytes.Length;
            }
        }

        return bytes.Length;
    }

    private static void Append(StringBuilder text, Rune rune)
    {
        switch (rune.Value)
        {
            case '\r':
                text.Append(@"\r");
                break;
            case '\n':
                text.Append(@"\n");
                break;
            case '\t':
                text.Append(@"\t");
                break;
            case '"' or '\\':
                text.Append('\\').Append((char)rune.Value);
                break;
            case < 0x20 or 0x7F:
                text.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}");
                break;
            default:
                if (IsPlain(Rune.GetUnicodeCategory(rune)))
                {
                    Span<char> characters = stackalloc char[2];
                    text.Append(characters[..rune.EncodeToUtf16(characters)]);
                }
                else if (rune.IsBmp)
                {
                    text.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
                }
                else
                {
                    text.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
                }

                break;
        }
    }

    private static bool IsPlain(UnicodeCategory category) => category is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate);
}
