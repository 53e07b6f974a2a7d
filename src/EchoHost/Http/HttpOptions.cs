using EchoHost.Configuration;
using EchoHost.Connections.ProxyProtocol;

namespace EchoHost.Http;

/// <summary>The section <c>Http</c>.</summary>
internal sealed record HttpOptions
{
    public const string SectionName = "Http";

    /// <summary>Whether connections of trusted proxies start with a PROXY header.</summary>
    /// <remarks>Default: <c>Off</c>.</remarks>
    public ProxyProtocolMode ProxyProtocol { get; init; }

    public static HttpOptions Read(SectionReader section) => new() { ProxyProtocol = section.Choice<ProxyProtocolMode>(nameof(ProxyProtocol)) };
}
