using EchoHost.Peers.Mesh;

namespace EchoHost.Peers.Fleet;

internal static class FleetExtensions
{
    /// <summary>Adds the view of the fleet, if <c>Peers:HttpPort</c> says where the peers' own views are.</summary>
    public static void AddFleet(this IServiceCollection services, MeshOptions options)
    {
        if (options.HttpPort is not null)
        {
            services.AddSingleton<PeerViewClient>();
            services.AddSingleton<FleetView>();
            services.AddHostedService(provider => provider.GetRequiredService<FleetView>());
        }
    }
}
