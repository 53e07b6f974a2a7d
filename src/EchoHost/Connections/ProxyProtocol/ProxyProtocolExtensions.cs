using EchoHost.Drain;
using EchoHost.Http;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.ProxyProtocol;

internal static class ProxyProtocolExtensions
{
    /// <summary>Takes PROXY headers (HAProxy's proxy-protocol.txt) from trusted proxies; must stand before TLS.</summary>
    public static IConnectionBuilder UseProxyProtocol(this IConnectionBuilder builder, ProxyProtocolMode mode, string endpoint)
    {
        if (mode == ProxyProtocolMode.Off)
        {
            return builder;
        }

        var metrics = builder.ApplicationServices.GetRequiredService<EchoMetrics>().For(endpoint);
        var drain = builder.ApplicationServices.GetRequiredService<DrainState>();
        // HTTP answers all through the drain, to whoever begins with a header too.
        var end = endpoint == HttpAddress.EndpointName ? drain.HttpDeadline : drain.TurningAway;
        return builder.Use(next => ActivatorUtilities.CreateInstance<ProxyProtocolMiddleware>(builder.ApplicationServices, next, mode, metrics, end).OnConnectionAsync);
    }
}
