using EchoHost.Endpoints;
using EchoHost.Hosting;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

internal static class AdmissionExtensions
{
    public static void AddAdmission(this IServiceCollection services, HostSettings settings)
    {
        services.AddSingleton(new ConnectionGate(settings.Capacity.Echo, settings.Echo.Limits.MaxConnectionsPerAddress));
        services.AddSingleton<AdmissionWatch>();
        services.AddSingleton<Rejections>();
        services.AddSingleton<SelfProbes>();
    }

    /// <summary>Lets connections of an echo endpoint in, within the limits.</summary>
    public static IConnectionBuilder UseAdmission(this IConnectionBuilder builder, string endpoint)
    {
        var metrics = builder.ApplicationServices.GetRequiredService<EchoMetrics>().For(endpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<AdmissionMiddleware>(builder.ApplicationServices, next, metrics).OnConnectionAsync);
    }

    /// <summary>Lets an address hold no more than its share; stands where the address is known, so after PROXY.</summary>
    public static IConnectionBuilder UseAddressLimit(this IConnectionBuilder builder, EchoEndpoint endpoint)
    {
        var metrics = builder.ApplicationServices.GetRequiredService<EchoMetrics>().For(endpoint.Name);
        var services = builder.ApplicationServices;
        return builder.Use(next => ActivatorUtilities.CreateInstance<AddressLimitMiddleware>(services, next, metrics, endpoint.IsUnix).OnConnectionAsync);
    }

    /// <summary>Lets connections of the HTTP endpoint in, within <paramref name="gate"/>, so that it can't use up the descriptors.</summary>
    /// <param name="builder">The chain; this stands first in it.</param>
    /// <param name="gate">The places.</param>
    /// <param name="isBehindProxy">Whether clients may be proxies, each of which speaks for many.</param>
    public static IConnectionBuilder UseHttpAdmission(this IConnectionBuilder builder, HttpGate gate, bool isBehindProxy)
    {
        var metrics = builder.ApplicationServices.GetRequiredService<EchoMetrics>().For(HttpAddress.EndpointName);
        return builder.Use(next => ActivatorUtilities.CreateInstance<HttpAdmissionMiddleware>(builder.ApplicationServices, next, metrics, gate, !isBehindProxy).OnConnectionAsync);
    }

    /// <summary>Lets an address hold no more than its share of the HTTP endpoint, and no client a place without asking; stands after PROXY.</summary>
    public static IConnectionBuilder UseHttpClientLimits(this IConnectionBuilder builder, HttpGate gate)
    {
        var metrics = builder.ApplicationServices.GetRequiredService<EchoMetrics>().For(HttpAddress.EndpointName);
        return builder.Use(next => ActivatorUtilities.CreateInstance<HttpClientMiddleware>(builder.ApplicationServices, next, metrics, gate).OnConnectionAsync);
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
