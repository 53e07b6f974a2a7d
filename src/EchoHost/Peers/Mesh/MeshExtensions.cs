using EchoHost.Transport;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Peers.Mesh;

internal static class MeshExtensions
{
    /// <summary>Adds the mesh, which probes the configured peers over the transport of the echo endpoints.</summary>
    public static void AddMesh(this IServiceCollection services, MeshOptions options, TransportOptions transport)
    {
        services.AddSingleton<PeerList>();
        services.AddSingleton<INameResolver>(NameLookups.OfSystem());
        services.AddSingleton<IConnectionFactory>(provider => transport.IsEpoll
            ? new EpollConnectionFactory(provider.GetRequiredService<EpollTransport>())
            : new SocketsConnectionFactory(provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton(provider => new PeerClient(
            provider.GetRequiredService<IConnectionFactory>(),
            provider.GetRequiredService<INameResolver>(),
            PeerLink.Default,
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<OwnAddresses>();
        services.AddSingleton<PeerNames>();
        if (!options.IsEmpty)
        {
            services.AddSingleton<PeerMetrics>();
            services.AddHostedService<Mesh>();
        }
    }
}
