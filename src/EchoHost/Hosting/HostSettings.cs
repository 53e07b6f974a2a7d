using System.Net;
using System.Net.Sockets;
using EchoHost.Configuration;
using EchoHost.Connections.Admission;
using EchoHost.Descriptors;
using EchoHost.Echo;
using EchoHost.Endpoints;
using EchoHost.Http;
using EchoHost.Peers.Mesh;
using EchoHost.Text;
using EchoHost.Transport;
using Kestrel.Epoll;

namespace EchoHost.Hosting;

/// <summary>
/// Everything the host was told, read once at start, complete and checked: past this point no part of the program
/// meets a bad value.
/// </summary>
/// <param name="Echo">The section <c>Echo</c>.</param>
/// <param name="Endpoints">The echo endpoints, PORT applied.</param>
/// <param name="Http">The section <c>Http</c>.</param>
/// <param name="Admin">The section <c>Admin</c>.</param>
/// <param name="TrustedProxies">Whose PROXY header is believed.</param>
/// <param name="QuietNetworks">Whose silent connections are not to be heard of.</param>
/// <param name="HttpAddresses">Where health, metrics and connections are served.</param>
/// <param name="Peers">The section <c>Peers</c>, parsed.</param>
/// <param name="Capacity">How many connections the echo and the HTTP endpoints may hold.</param>
internal sealed record HostSettings(
    EchoOptions Echo,
    IReadOnlyList<EchoEndpoint> Endpoints,
    HttpOptions Http,
    AdminOptions Admin,
    NetworkSet TrustedProxies,
    NetworkSet QuietNetworks,
    IReadOnlyList<HttpAddress> HttpAddresses,
    MeshSettings Peers,
    ConnectionCapacity Capacity)
{
    /// <summary>The longest time that can be configured.</summary>
    public static readonly TimeSpan LongestTime = TimeSpan.FromDays(24);

    /// <summary>Whether the echo endpoints use the epoll transport.</summary>
    public bool UsesEpoll => Echo.Transport != TransportKind.Sockets && EpollTransport.IsSupported;

    /// <summary>Whether an address belongs to the quiet networks.</summary>
    public bool IsQuiet(EndPoint? peer) => PeerAddress.Address(peer) is { } address && QuietNetworks.Contains(address);

    /// <summary>The echo endpoint that <paramref name="address"/> belongs to; null for an address of the HTTP endpoint.</summary>
    public EchoEndpoint? EndpointOf(EndPoint address) => address switch
    {
        EchoIPEndPoint own => Endpoints.First(e => e.Name == own.EndpointName),
        UnixDomainSocketEndPoint => Endpoints.FirstOrDefault(e => e.Addresses.Contains(address)),
        _ => null,
    };

    /// <exception cref="ConfigurationException">Something can't be used: one line a problem, naming key and value.</exception>
    public static HostSettings Read(IConfiguration configuration)
    {
        List<string> problems = [];
        var echo = SectionReader.Read(configuration, EchoOptions.SectionName, EchoOptions.Read, problems);
        var http = SectionReader.Read(configuration, HttpOptions.SectionName, HttpOptions.Read, problems);
        var admin = SectionReader.Read(configuration, AdminOptions.SectionName, AdminOptions.Read, problems);
        var peers = MeshSettings.From(SectionReader.Read(configuration, PeersOptions.SectionName, PeersOptions.Read, problems), problems);
        // Not used yet, so that any key of it is a mistake.
        SectionReader.Read(configuration, "Instance", _ => true, problems);
        if (echo.Transport == TransportKind.Epoll && !EpollTransport.IsSupported)
        {
            problems.Add($"{EchoOptions.SectionName}:Transport is 'Epoll', which only Linux has; expected Auto or Sockets");
        }

        if (admin.Problem is { } problem)
        {
            problems.Add($"{AdminOptions.SectionName}:Token {problem}");
        }

        var trusted = ConfigurationException.Collect(() => NetworkSet.Parse($"{EchoOptions.SectionName}:TrustedProxies", echo.TrustedProxies), problems);
        var quiet = ConfigurationException.Collect(() => NetworkSet.Parse($"{EchoOptions.SectionName}:QuietNetworks", echo.QuietNetworks), problems);
        ThrowIfAny(problems);

        var endpoints = EchoEndpointReader.Read(echo, configuration[EchoEndpointReader.PortKey], problems);
        var addresses = ConfigurationException.Collect(() => HttpAddress.ParseAll(configuration[HttpAddress.Key]), problems) ?? [];
        // TLS has as many loops of its own.
        var loops = echo.LoopCount * (endpoints.Any(endpoint => endpoint.Tls is not null) ? 2 : 1);
        var capacity = ConfigurationException.Collect(
            () => ConnectionCapacity.From(echo.Limits.MaxConnections, DescriptorLimit.Read(), loops, peers.MaxDescriptors), problems);
        ThrowIfAny(problems);
        return new HostSettings(echo, endpoints, http, admin, trusted!, quiet!, addresses, peers, capacity!);
    }

    private static void ThrowIfAny(List<string> problems)
    {
        if (problems.Count > 0)
        {
            // A key can be refused for two reasons at once; the first says it all.
            throw new ConfigurationException([.. problems.DistinctBy(p => p.Split(' ')[0])]);
        }
    }
}
