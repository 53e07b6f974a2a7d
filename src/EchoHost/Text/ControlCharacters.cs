namespace EchoHost.Text;

/// <summary>Makes text that may come from outside safe for a terminal.</summary>
internal static class ControlCharacters
{
    /// <summary>The text on one line, with control characters escaped: <c>\x1b</c>.</summary>
    public static string Escape(string text) => string.Concat(text.Select(c => char.IsControl(c) ? $"\\x{(int)c:x2}" : c.ToString()));
}
