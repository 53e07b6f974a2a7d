using EchoHost.Lifetime;

namespace EchoHost.Drain;

internal static class DrainExtensions
{
    /// <summary>What the host's own stop needs after the drain: Kestrel closing idle HTTP connections, the last push of metrics.</summary>
    private static readonly TimeSpan Afterwards = TimeSpan.FromSeconds(10);

    /// <summary>Drains before Kestrel stops, and gives the host the time for it.</summary>
    public static void AddDrain(this IServiceCollection services, DrainOptions options)
    {
        services.AddSingleton<DrainState>();
        services.AddSingleton<SecondSignal>();
        services.AddHostedService<DrainService>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = DrainService.Longest(options) + Afterwards);
    }
}
