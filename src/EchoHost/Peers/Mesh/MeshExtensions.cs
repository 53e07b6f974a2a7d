using EchoHost.Hosting;
using EchoHost.Transport;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Peers.Mesh;

internal static class MeshExtensions
{
    /// <summary>Probes the configured peers all the time, over the transport of the echo endpoints.</summary>
    public static void AddMesh(this IServiceCollection services, HostSettings host)
    {
        services.AddSingleton<PeerList>();
        services.AddSingleton<INameResolver>(NameLookups.OfSystem());
        services.AddSingleton<IConnectionFactory>(provider => host.UsesEpoll
            ? new EpollConnectionFactory(provider.GetRequiredService<EpollTransport>())
            : new SocketsConnectionFactory(provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton(provider => new PeerClient(
            provider.GetRequiredService<IConnectionFactory>(),
            provider.GetRequiredService<INameResolver>(),
            PeerLink.Default,
            provider.GetRequiredService<TimeProvider>()));
        if (!host.Peers.IsEmpty)
        {
            services.AddSingleton<OwnAddresses>();
            services.AddSingleton(provider => ActivatorUtilities.CreateInstance<PeerNames>(provider, host.Peers));
            services.AddSingleton<PeerMetrics>();
            services.AddHostedService<Mesh>();
        }
    }
}
