using EchoHost.Configuration;

namespace EchoHost.Http;

/// <summary>The section <c>Admin</c>.</summary>
internal sealed class AdminOptions
{
    public const string SectionName = "Admin";

    /// <summary>The minimum length of a token, so that it is hard to guess.</summary>
    private const int MinTokenLength = 16;

    /// <summary>The bearer token for requests that change something; without one these are 404.</summary>
    /// <remarks>Default: none.</remarks>
    public string Token { get; init; } = "";

    public static AdminOptions Read(SectionReader section)
    {
        var token = section.Text(nameof(Token)) ?? "";
        // The error message does not show the token.
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
