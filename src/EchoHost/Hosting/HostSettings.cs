using EchoHost.Configuration;
using EchoHost.Connections.Admission;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Descriptors;
using EchoHost.Endpoints;
using EchoHost.Http;
using EchoHost.Identity;
using EchoHost.Metrics;
using EchoHost.Peers.Mesh;

namespace EchoHost.Hosting;

/// <summary>
/// The whole configuration, read and checked once at start. Only the composition uses it; each capability gets its own options.
/// </summary>
/// <param name="Echo">The section <c>Echo</c>.</param>
/// <param name="Endpoints">The endpoints to listen on, with PORT applied.</param>
/// <param name="Capacity">The maximum number of connections of the raw endpoints and of the HTTP endpoint.</param>
/// <param name="Http">The section <c>Http</c>.</param>
/// <param name="Admin">The section <c>Admin</c>.</param>
/// <param name="AllowedHosts">The host names that HTTP requests may use.</param>
/// <param name="Peers">The section <c>Peers</c>.</param>
/// <param name="Instance">The section <c>Instance</c>.</param>
internal sealed record HostSettings(
    EchoSection Echo,
    ListenEndpoints Endpoints,
    ConnectionCapacity Capacity,
    HttpOptions Http,
    AdminOptions Admin,
    AllowedHosts AllowedHosts,
    MeshOptions Peers,
    Instance Instance)
{
    /// <summary>The endpoints with series of their own, the HTTP endpoint among them.</summary>
    public IReadOnlyList<MeteredEndpoint> MeteredEndpoints =>
    [
        .. Endpoints.Raw.Select(endpoint => new MeteredEndpoint(endpoint.Name, endpoint.ProxyProtocol != ProxyProtocolMode.Off)),
        new MeteredEndpoint(EchoMetrics.HttpEndpoint, Http.ProxyProtocol != ProxyProtocolMode.Off),
    ];

    /// <exception cref="ConfigurationException">A setting can't be used; one line per problem, with key and value.</exception>
    public static HostSettings Read(IConfiguration configuration)
    {
        var problems = new ConfigurationProblems();
        var echo = SectionReader.Read(configuration, EchoSection.SectionName, EchoSection.Read, problems);
        var http = SectionReader.Read(configuration, HttpOptions.SectionName, HttpOptions.Read, problems);
        var admin = SectionReader.Read(configuration, AdminOptions.SectionName, AdminOptions.Read, problems);
        var peers = SectionReader.Read(configuration, MeshOptions.SectionName, MeshOptions.Read, problems);
        var instance = SectionReader.Read(configuration, Instance.SectionName, Instance.Read, problems);
        problems.ThrowIfAny();

        var raw = EndpointReader.Read(echo.Endpoints, configuration[EndpointReader.PortKey], problems);
        var addresses = problems.Collect(() => HttpAddress.ParseAll(configuration[HttpAddress.Key])) ?? [];
        var hosts = problems.Collect(() => AllowedHosts.Read(configuration[AllowedHosts.Key], addresses));
        // TLS has the same number of loops of its own, and Kestrel's sockets have none.
        var loops = !echo.Transport.IsEpoll ? 0 : echo.Transport.EventLoops * (raw.Any(endpoint => endpoint.IsTls) ? 2 : 1);
        var capacity = problems.Collect(() => ConnectionCapacity.From(echo.Admission.MaxConnections, DescriptorLimit.Read(), loops, peers.MaxDescriptors));
        problems.ThrowIfAny();
        return new HostSettings(echo, new ListenEndpoints(raw, addresses), capacity!, http, admin, hosts!, peers, instance);
    }

    /// <summary>Registers each capability's options.</summary>
    public void AddTo(IServiceCollection services)
    {
        services.AddSingleton(Endpoints);
        services.AddSingleton(Capacity);
        services.AddSingleton(Echo.Transport);
        services.AddSingleton(Echo.ConnectionLog);
        services.AddSingleton(Echo.QuietNetworks);
        services.AddSingleton(Echo.ProxyHeaders);
        services.AddSingleton(Echo.Timeouts);
        services.AddSingleton(Echo.TlsHandshakes);
        services.AddSingleton(Echo.Drain);
        services.AddSingleton(Http);
        services.AddSingleton(Admin);
        services.AddSingleton(AllowedHosts);
        services.AddSingleton(Peers);
        services.AddSingleton(Instance);
    }
}
