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
        return builder.Use(next => ActivatorUtilities.CreateInstance<ProxyProtocolMiddleware>(builder.ApplicationServices, next, mode, metrics).OnConnectionAsync);
    }
}
