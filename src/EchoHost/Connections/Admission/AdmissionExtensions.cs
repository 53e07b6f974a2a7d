using EchoHost.Configuration;
using EchoHost.Drain;
using EchoHost.Http;
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
    public static IConnectionBuilder UseAddressLimit(this IConnectionBuilder builder, string endpoint)
    {
        var metrics = builder.ApplicationServices.GetRequiredService<EchoMetrics>().For(endpoint);
        return builder.Use(next => ActivatorUtilities.CreateInstance<AddressLimitMiddleware>(builder.ApplicationServices, next, metrics).OnConnectionAsync);
    }

    /// <summary>Keeps the HTTP endpoint within <paramref name="gate"/>, so that it can't use up the descriptors.</summary>
    public static IConnectionBuilder UseHttpAdmission(this IConnectionBuilder builder, ConnectionGate gate)
    {
        var rejections = builder.ApplicationServices.GetRequiredService<Rejections>();
        var metrics = builder.ApplicationServices.GetRequiredService<EchoMetrics>().For(HttpAddress.EndpointName);
        var drain = builder.ApplicationServices.GetRequiredService<DrainState>();
        return builder.Use(next => async context =>
        {
            if (!gate.TryEnter())
            {
                rejections.TurnAway(context, metrics, RejectReason.Limit, $"the limit of {gate.MaxConnections} HTTP connections is reached");
                return;
            }

            using var deadline = drain.HttpDeadline.UnsafeRegister(static connection => ((ConnectionContext)connection!).Abort(), context);
            try
            {
                await next(context);
            }
            finally
            {
                gate.Leave();
            }
        });
    }
}
