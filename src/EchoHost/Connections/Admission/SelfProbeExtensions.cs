using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

internal static class SelfProbeExtensions
{
    /// <summary>
    /// Recognises the host's own probes by the end point that they connect from. Must come first, before PROXY changes that
    /// end point.
    /// </summary>
    public static void UseSelfProbes(this IConnectionBuilder builder)
    {
        var probes = builder.ApplicationServices.GetRequiredService<SelfProbes>();
        builder.Use(next => context =>
        {
            if (!probes.Meet(context.RemoteEndPoint))
            {
                return next(context);
            }

            context.Features.Set(OwnProbe.Instance);
            return RunAsync(next, context);
        });
    }

    private static async Task RunAsync(ConnectionDelegate next, ConnectionContext context)
    {
        try
        {
            await next(context);
        }
        catch (Exception e) when (e is IOException or ConnectionAbortedException)
        {
            // The probe was given up, as its result says.
        }
    }

    /// <summary>Adds middleware for clients only; the host's own probes skip it.</summary>
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

    /// <summary>Marks a connection as one of the host's own probes; a feature of the connection.</summary>
    private sealed class OwnProbe
    {
        public static readonly OwnProbe Instance = new();
    }
}
