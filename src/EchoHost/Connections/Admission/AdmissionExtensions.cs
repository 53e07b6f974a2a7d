using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

internal static class AdmissionExtensions
{
    /// <param name="services">The host's services.</param>
    /// <param name="maxConnections">How many connections all raw endpoints together hold.</param>
    /// <param name="maxPerAddress">How many of them one address may hold; null for no limit.</param>
    public static void AddAdmission(this IServiceCollection services, int maxConnections, int? maxPerAddress)
    {
        services.AddSingleton(new ConnectionGate(maxConnections, maxPerAddress));
        services.AddSingleton<AdmissionWatch>();
        services.AddSingleton<Rejections>();
        services.AddSingleton<SelfProbes>();
    }

    /// <summary>Lets connections of a raw endpoint in, within the limits.</summary>
    public static IConnectionBuilder UseAdmission(this IConnectionBuilder builder, string endpoint)
    {
        var services = builder.ApplicationServices;
        var metrics = services.GetRequiredService<EchoMetrics>().For(endpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<AdmissionMiddleware>(services, next, metrics).OnConnectionAsync);
    }

    /// <summary>Lets an address hold no more than its share; stands where the address is known, so after PROXY.</summary>
    public static IConnectionBuilder UseAddressLimit(this IConnectionBuilder builder, string endpoint, bool isUnix)
    {
        var services = builder.ApplicationServices;
        var metrics = services.GetRequiredService<EchoMetrics>().For(endpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<AddressLimitMiddleware>(services, next, metrics, isUnix).OnConnectionAsync);
    }
}
