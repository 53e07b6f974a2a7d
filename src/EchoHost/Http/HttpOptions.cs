namespace EchoHost.Http;

/// <summary>The section <c>Http</c>.</summary>
internal sealed class HttpOptions
{
    public const string SectionName = "Http";

    /// <summary>Not yet supported but for <c>Off</c>.</summary>
    public string ProxyProtocol { get; set; } = "Off";
}

/// <summary>The section <c>Admin</c>; not yet supported.</summary>
internal sealed class AdminOptions
{
    public const string SectionName = "Admin";

    public string Token { get; set; } = "";
}

/// <summary>The section <c>Peers</c>; not yet supported.</summary>
internal sealed class PeersOptions
{
    public const string SectionName = "Peers";

    public string[] Targets { get; set; } = [];

    public string[] Dns { get; set; } = [];

    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(10);

    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    public int PayloadBytes { get; set; } = 64;
}
