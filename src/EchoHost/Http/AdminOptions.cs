using EchoHost.Configuration;

namespace EchoHost.Http;

/// <summary>The section <c>Admin</c>.</summary>
internal sealed class AdminOptions
{
    public const string SectionName = "Admin";

    /// <summary>The fewest characters that are hard to guess.</summary>
    private const int MinTokenLength = 16;

    /// <summary>The bearer token for the calls that change something; without one they don't exist.</summary>
    /// <remarks>Default: none.</remarks>
    public string Token { get; init; } = "";

    public static AdminOptions Read(SectionReader section)
    {
        var token = section.Text(nameof(Token)) ?? "";
        // The token itself is not shown.
        if (token.Length is > 0 and < MinTokenLength)
        {
            section.Report(nameof(Token), $"has {token.Length} characters; expected {MinTokenLength} or more");
        }
        else if (!token.All(character => character is > ' ' and <= '~'))
        {
            section.Report(nameof(Token), "has a character that no header can carry; expected visible ASCII without spaces");
        }

        return new AdminOptions { Token = token };
    }
}
