using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace EchoHost.Fuzz;

/// <summary>What targets have in common when they say what must hold.</summary>
internal static class Property
{
    /// <exception cref="PropertyException">It does not hold.</exception>
    public static void Holds(bool condition, string what)
    {
        if (!condition)
        {
            throw new PropertyException(what);
        }
    }

    /// <inheritdoc cref="Holds(bool, string)"/>
    public static void Holds(bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref FailureText what)
    {
        if (!condition)
        {
            throw new PropertyException(what.ToString());
        }
    }

    /// <summary>Whether text can stand in a log line or a JSON string: no control character, no end of a line, no half of a surrogate pair.</summary>
    public static void IsLine(string text, string what)
    {
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            Holds(Rune.DecodeFromUtf16(rest, out var rune, out var consumed) == OperationStatus.Done, $"{what} is no valid text");
            var isPlain = Rune.GetUnicodeCategory(rune) is not (
                UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
            Holds(isPlain, $"{what} has the character U+{rune.Value:X4}");
            rest = rest[consumed..];
        }
    }
}

/// <summary>What is said where something does not hold; made only then, since nearly always it does.</summary>
[InterpolatedStringHandler]
internal ref struct FailureText
{
    private DefaultInterpolatedStringHandler _text;

    public FailureText(int literalLength, int formattedCount, bool condition, out bool isWanted)
    {
        isWanted = !condition;
        _text = isWanted ? new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture) : default;
    }

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

    public override string ToString() => _text.ToStringAndClear();
}

/// <summary>Something that must hold does not.</summary>
internal sealed class PropertyException(string message) : Exception(message);
