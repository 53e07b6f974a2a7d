using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

internal static class HttpAdmissionExtensions
{
    /// <summary>
    /// Admits connections to the HTTP endpoint within <paramref name="gate"/>, so that it can't exhaust the descriptors.
    /// </summary>
    /// <param name="builder">The chain; this must come first in it.</param>
    /// <param name="gate">The places.</param>
    /// <param name="isBehindProxy">Whether clients may be proxies, each with many clients of its own.</param>
    public static IConnectionBuilder UseHttpAdmission(this IConnectionBuilder builder, HttpGate gate, bool isBehindProxy)
    {
        var services = builder.ApplicationServices;
        var metrics = services.GetRequiredService<EchoMetrics>().For(EchoMetrics.HttpEndpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<HttpAdmissionMiddleware>(services, next, metrics, gate, !isBehindProxy).OnConnectionAsync);
    }

    /// <summary>
    /// Limits the HTTP connections per client address, and ends those that send no request. Must come after PROXY.
    /// </summary>
    public static IConnectionBuilder UseHttpClientLimits(this IConnectionBuilder builder, HttpGate gate)
    {
        var services = builder.ApplicationServices;
        var metrics = services.GetRequiredService<EchoMetrics>().For(EchoMetrics.HttpEndpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<HttpClientMiddleware>(services, next, metrics, gate).OnConnectionAsync);
    }

    /// <summary>Marks the connections whose request the host is answering, for the gate.</summary>
    public static void UseHttpTurns(this IApplicationBuilder app) => app.Use(static async (context, next) =>
    {
        var place = context.Features.Get<HttpPlace>();
        place?.HostsTurn();
        try
        {
            await next(context);
        }
        finally
        {
            place?.ClientsTurn();
        }
    });
}
