using EchoHost.Connections.Tracking;
using EchoHost.Lifetime;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Options;

namespace EchoHost.Systemd;

internal static class SystemdExtensions
{
    /// <summary>More than the process takes after the host has stopped, for its last metrics and log lines.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Reports the host's state to systemd, if systemd asks for it (a unit with <c>Type=notify</c>). Call it last: its step of
    /// the stop then runs first, before the drain.
    /// </summary>
    /// <remarks>
    /// Of the package this uses the notifier alone. <c>AddSystemd</c> of the package would also replace the host's lifetime,
    /// which handles the signals, and the console's formatter.
    /// </remarks>
    /// <param name="services">The host's services.</param>
    /// <param name="respondAsync">Completes when the host's threads have proved that they still run what they are given.</param>
    public static void AddSystemdNotifications(this IServiceCollection services, Func<IServiceProvider, Task> respondAsync)
    {
        var notifier = new SystemdNotifier();
        if (!notifier.IsEnabled)
        {
            return;
        }

        services.AddHostedService(provider => new SystemdNotifications(
            notifier,
            Watchdog.Interval(Environment.GetEnvironmentVariable),
            () => respondAsync(provider),
            provider.GetRequiredService<ConnectionRegistry>(),
            provider.GetRequiredService<DrainState>(),
            provider.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout + LastWords,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SystemdNotifications>>()));
    }
}
