using EchoHost.Lifetime;

namespace EchoHost.Drain;

internal static class DrainExtensions
{
    /// <summary>
    /// The time that the host's own stop needs after the drain: Kestrel closes idle HTTP connections, and metrics are
    /// pushed once more.
    /// </summary>
    private static readonly TimeSpan Afterwards = TimeSpan.FromSeconds(10);

    /// <summary>Adds the drain, which runs before Kestrel stops, and extends the host's shutdown timeout to cover it.</summary>
    public static void AddDrain(this IServiceCollection services, DrainOptions options)
    {
        services.AddSingleton<DrainState>();
        services.AddSingleton<SecondSignal>();
        services.AddHostedService<DrainService>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = DrainService.Longest(options) + Afterwards);
    }
}
