using EchoHost.Configuration;
using EchoHost.Connections.Faults;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;

namespace EchoHost.Endpoints;

/// <summary>The section <c>Echo:Endpoints:{Name}</c>.</summary>
internal sealed record EndpointOptions
{
    /// <summary>
    /// <c>tcp://HOST:PORT</c>, <c>tls://HOST:PORT</c> or <c>unix:PATH</c>; see <see cref="ListenEndpoint.Parse"/>.
    /// </summary>
    /// <remarks>Default: none, except for <c>Tcp</c>.</remarks>
    public string? Url { get; init; }

    /// <summary>What the endpoint does with a connection.</summary>
    /// <remarks>Default: <c>Echo</c>.</remarks>
    public EndpointService Service { get; init; }

    /// <summary>What the endpoint does wrong on purpose; null for nothing.</summary>
    /// <remarks>Default: nothing.</remarks>
    public FaultOptions? Faults { get; init; }

    /// <summary>Whether connections of trusted proxies start with a PROXY header.</summary>
    /// <remarks>Default: <c>Off</c>.</remarks>
    public ProxyProtocolMode ProxyProtocol { get; init; }

    /// <summary>The file mode of a <c>unix:</c> endpoint, in octal digits.</summary>
    /// <remarks>Default: <c>0660</c>.</remarks>
    public string? Mode { get; init; }

    /// <summary>The keys that only a <c>tls://</c> endpoint has.</summary>
    public TlsOptions Tls { get; init; } = new();

    public static EndpointOptions Read(SectionReader section) => new()
    {
        Url = section.Text(nameof(Url)),
        Service = section.Choice<EndpointService>(nameof(Service)),
        ProxyProtocol = section.Choice<ProxyProtocolMode>(nameof(ProxyProtocol)),
        Faults = section.Section(FaultOptions.SectionName, FaultOptions.ReadOrNone),
        Mode = section.Text(nameof(Mode)),
        Tls = TlsOptions.Read(section),
    };
}
