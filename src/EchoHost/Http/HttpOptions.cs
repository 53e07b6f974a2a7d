using EchoHost.Configuration;
using EchoHost.Connections.ProxyProtocol;

namespace EchoHost.Http;

/// <summary>The section <c>Http</c>.</summary>
internal sealed class HttpOptions
{
    public const string SectionName = "Http";

    /// <summary>Whether trusted proxies begin with a PROXY header.</summary>
    /// <remarks>Default: <c>Off</c>.</remarks>
    public ProxyProtocolMode ProxyProtocol { get; set; }

    /// <summary>Reads the section.</summary>
    public static HttpOptions Read(SectionReader section) => new() { ProxyProtocol = section.Choice<ProxyProtocolMode>(nameof(ProxyProtocol)) };
}

/// <summary>The section <c>Admin</c>.</summary>
internal sealed class AdminOptions
{
    public const string SectionName = "Admin";

    /// <summary>The fewest characters that are hard to guess.</summary>
    public const int MinTokenLength = 16;

    /// <summary>The bearer token for the calls that change something; without one they don't exist.</summary>
    /// <remarks>Default: none.</remarks>
    public string Token { get; set; } = "";

    /// <summary>Reads the section.</summary>
    public static AdminOptions Read(SectionReader section) => new() { Token = section.Text(nameof(Token)) ?? "" };

    /// <summary>What is wrong with the token, without telling it; null where nothing is.</summary>
    public string? Problem => Token.Length is > 0 and < MinTokenLength ? $"has {Token.Length} characters; expected {MinTokenLength} or more"
        : Token.All(c => c is > ' ' and <= '~') ? null
        : "has a character that no header can carry; expected visible ASCII without spaces";
}
