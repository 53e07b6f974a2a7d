using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

internal static class HttpAdmissionExtensions
{
    /// <summary>Lets connections of the HTTP endpoint in, within <paramref name="gate"/>, so that it can't use up the descriptors.</summary>
    /// <param name="builder">The chain; this stands first in it.</param>
    /// <param name="gate">The places.</param>
    /// <param name="isBehindProxy">Whether clients may be proxies, each of which speaks for many.</param>
    public static IConnectionBuilder UseHttpAdmission(this IConnectionBuilder builder, HttpGate gate, bool isBehindProxy)
    {
        var services = builder.ApplicationServices;
        var metrics = services.GetRequiredService<EchoMetrics>().For(EchoMetrics.HttpEndpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<HttpAdmissionMiddleware>(services, next, metrics, gate, !isBehindProxy).OnConnectionAsync);
    }

    /// <summary>Lets an address hold no more than its share of the HTTP endpoint, and no client a place without asking; stands after PROXY.</summary>
    public static IConnectionBuilder UseHttpClientLimits(this IConnectionBuilder builder, HttpGate gate)
    {
        var services = builder.ApplicationServices;
        var metrics = services.GetRequiredService<EchoMetrics>().For(EchoMetrics.HttpEndpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<HttpClientMiddleware>(services, next, metrics, gate).OnConnectionAsync);
    }

    /// <summary>Tells the gate which connections the host is answering.</summary>
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
