using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Tracking;

internal static class TrackingExtensions
{
    /// <summary>Shows the endpoint's connections in the registry, the metrics and the log, under the endpoint's name.</summary>
    public static IConnectionBuilder UseTracking(this IConnectionBuilder builder, string endpoint)
    {
        var metrics = builder.ApplicationServices.GetRequiredService<EchoMetrics>().For(endpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<TrackingMiddleware>(builder.ApplicationServices, next, metrics).OnConnectionAsync);
    }
}
