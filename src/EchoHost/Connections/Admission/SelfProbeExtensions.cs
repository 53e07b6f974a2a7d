using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

internal static class SelfProbeExtensions
{
    /// <summary>Recognises the host's own probes, by the end point that they connect from; stands first, before PROXY can change it.</summary>
    public static void UseSelfProbes(this IConnectionBuilder builder)
    {
        var probes = builder.ApplicationServices.GetRequiredService<SelfProbes>();
        builder.Use(next => context =>
        {
            if (probes.Contains(context.RemoteEndPoint))
            {
                context.Features.Set(OwnProbe.Instance);
            }

            return next(context);
        });
    }

    /// <summary>Adds what clients pass and the host's own probes do not: limits, PROXY, tracking.</summary>
    /// <param name="builder">The chain.</param>
    /// <param name="configure">Adds the middleware.</param>
    public static void UseForClients(this IConnectionBuilder builder, Action<IConnectionBuilder> configure) => builder.Use(next =>
    {
        var branch = new ConnectionBuilder(builder.ApplicationServices);
        configure(branch);
        branch.Use(_ => next);
        var forClients = branch.Build();
        return context => context.Features.Get<OwnProbe>() is null ? forClients(context) : next(context);
    });

    /// <summary>A connection's feature: it is one of the host's own probes.</summary>
    private sealed class OwnProbe
    {
        public static readonly OwnProbe Instance = new();
    }
}
