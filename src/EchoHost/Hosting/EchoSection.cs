using EchoHost.Configuration;
using EchoHost.Connections.Admission;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Timeouts;
using EchoHost.Connections.Tls;
using EchoHost.Drain;
using EchoHost.Endpoints;
using EchoHost.Logging;
using EchoHost.Transport;

namespace EchoHost.Hosting;

/// <summary>The section <c>Echo</c>, split into the options of the capabilities that own its keys.</summary>
internal sealed record EchoSection(
    IReadOnlyDictionary<string, EndpointOptions> Endpoints,
    TransportOptions Transport,
    ConnectionLogOptions ConnectionLog,
    QuietNetworks QuietNetworks,
    ProxyHeaderOptions ProxyHeaders,
    AdmissionOptions Admission,
    TimeoutOptions Timeouts,
    TlsHandshakeOptions TlsHandshakes,
    DrainOptions Drain)
{
    public const string SectionName = "Echo";

    public static EchoSection Read(SectionReader section) => section.Section("Limits", limits =>
    {
        var timeouts = TimeoutOptions.Read(limits);
        return new EchoSection(
            section.Map("Endpoints", EndpointOptions.Read),
            TransportOptions.Read(section),
            ConnectionLogOptions.Read(section),
            QuietNetworks.Read(section),
            ProxyHeaderOptions.Read(section, limits, timeouts.IdleTimeout),
            AdmissionOptions.Read(limits),
            timeouts,
            TlsHandshakeOptions.Read(limits),
            section.Section(DrainOptions.SectionName, DrainOptions.Read));
    });
}
