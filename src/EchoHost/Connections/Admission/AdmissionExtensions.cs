using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

internal static class AdmissionExtensions
{
    /// <param name="services">The host's services.</param>
    /// <param name="maxConnections">The maximum number of connections of all raw endpoints together.</param>
    /// <param name="maxPerAddress">The maximum number of connections of one address; null for no limit.</param>
    public static void AddAdmission(this IServiceCollection services, int maxConnections, int? maxPerAddress)
    {
        services.AddSingleton(new ConnectionGate(maxConnections, maxPerAddress));
        services.AddSingleton<AdmissionWatch>();
        services.AddSingleton<Rejections>();
        services.AddSingleton<SelfProbes>();
    }

    /// <summary>Admits connections to a raw endpoint, within the limits.</summary>
    public static IConnectionBuilder UseAdmission(this IConnectionBuilder builder, string endpoint)
    {
        var services = builder.ApplicationServices;
        var metrics = services.GetRequiredService<EchoMetrics>().For(endpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<AdmissionMiddleware>(services, next, metrics).OnConnectionAsync);
    }

    /// <summary>Limits the connections per client address. Must come after PROXY, which sets the address.</summary>
    public static IConnectionBuilder UseAddressLimit(this IConnectionBuilder builder, string endpoint, bool isUnix)
    {
        var services = builder.ApplicationServices;
        var metrics = services.GetRequiredService<EchoMetrics>().For(endpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<AddressLimitMiddleware>(services, next, metrics, isUnix).OnConnectionAsync);
    }
}
