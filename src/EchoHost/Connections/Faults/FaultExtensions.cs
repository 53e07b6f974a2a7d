using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Faults;

internal static class FaultExtensions
{
    /// <summary>Gives the endpoint's connections the faults that it has when they are accepted. Must come after tracking.</summary>
    public static IConnectionBuilder UseFaults(this IConnectionBuilder builder, string endpoint)
    {
        var services = builder.ApplicationServices;
        var metrics = services.GetRequiredService<EchoMetrics>().For(endpoint);
        var faults = services.GetRequiredService<FaultSettings>().Of(endpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<FaultMiddleware>(services, next, faults, metrics).OnConnectionAsync);
    }
}
