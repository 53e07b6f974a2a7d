using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace EchoHost.Fuzz;

/// <summary>Assertions that targets share.</summary>
internal static class Property
{
    /// <exception cref="PropertyException">The condition is false.</exception>
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

    /// <summary>
    /// Checks that a text fits into a log line or a JSON string: no control characters, line ends or unpaired surrogates.
    /// </summary>
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

/// <summary>The message of a failed assertion; formatted only if it fails, which is rare.</summary>
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

/// <summary>A property does not hold.</summary>
internal sealed class PropertyException(string message) : Exception(message);
