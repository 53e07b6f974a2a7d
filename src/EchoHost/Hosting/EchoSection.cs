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

    public static EchoSection Read(SectionReader section)
    {
        // Messages list the keys in the order in which they are read: that of the documentation.
        var endpoints = section.Map("Endpoints", EndpointOptions.Read);
        var transport = TransportOptions.Read(section);
        var log = ConnectionLogOptions.Read(section);
        var quiet = QuietNetworks.Read(section);
        var proxyHeaders = ProxyHeaderOptions.Read(section);
        var (admission, timeouts, headers, handshakes) = section.Section("Limits", limits =>
        {
            var admission = AdmissionOptions.Read(limits);
            var timeouts = TimeoutOptions.Read(limits);
            return (admission, timeouts, proxyHeaders.WithLimits(limits, timeouts.IdleTimeout), TlsHandshakeOptions.Read(limits));
        });
        var drain = section.Section(DrainOptions.SectionName, DrainOptions.Read);
        return new EchoSection(endpoints, transport, log, quiet, headers, admission, timeouts, handshakes, drain);
    }
}
