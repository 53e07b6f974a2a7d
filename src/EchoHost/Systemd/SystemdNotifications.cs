using System.Globalization;
using System.Net.Sockets;
using EchoHost.Connections.Tracking;
using EchoHost.Lifetime;
using Microsoft.Extensions.Hosting.Systemd;

namespace EchoHost.Systemd;

/// <summary>
/// Tells systemd that the host listens, that it drains and how many connections are left, and that it is alive: sd_notify(3).
/// </summary>
/// <param name="notifier">Sends to the socket that systemd names.</param>
/// <param name="watchdogInterval">How often to report to the watchdog; null for no watchdog.</param>
/// <param name="respondAsync">Completes when the host's threads have proved that they still run what they are given.</param>
/// <param name="registry">The live connections.</param>
/// <param name="drain">Whether the host drains.</param>
/// <param name="longestStop">The maximum duration of the host's stop, with its drain.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class SystemdNotifications(
    ISystemdNotifier notifier,
    TimeSpan? watchdogInterval,
    Func<Task> respondAsync,
    ConnectionRegistry registry,
    DrainState drain,
    TimeSpan longestStop,
    TimeProvider time,
    ILogger<SystemdNotifications> logger) : LifecycleService, IDisposable
{
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopped = new();
    private int _failures;

    /// <summary>Every endpoint listens: Kestrel binds in StartAsync, which is over for all services.</summary>
    public override Task StartedAsync(CancellationToken cancellationToken)
    {
        Notify("READY=1\nSTATUS=Accepting connections");
        if (watchdogInterval is { } interval)
        {
            _ = FeedWatchdogAsync(interval);
        }

        return Task.CompletedTask;
    }

    /// <summary>
    /// systemd would kill the process at the end of TimeoutStopSec; it is told how long the configured drain may take, so that a
    /// longer one needs no change of the unit.
    /// </summary>
    public override Task StoppingAsync(CancellationToken cancellationToken)
    {
        var microseconds = (long)longestStop.TotalMicroseconds;
        var connections = registry.Count;
        Notify(string.Create(CultureInfo.InvariantCulture, $"STOPPING=1\nEXTEND_TIMEOUT_USEC={microseconds}\nSTATUS={Draining(connections)}"));
        _ = ShowDrainAsync(connections);
        return Task.CompletedTask;
    }

    public override Task StoppedAsync(CancellationToken cancellationToken) => _stopped.CancelAsync();

    public void Dispose() => _stopped.Dispose();

    /// <summary>
    /// Reports once every interval, and only after the event loops and the thread pool, on which this method continues, have
    /// responded. A thread that hangs ends the reports, and systemd then restarts the host.
    /// </summary>
    private async Task FeedWatchdogAsync(TimeSpan interval)
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            do
            {
                await respondAsync().WaitAsync(_stopped.Token);
                Notify("WATCHDOG=1");
            }
            while (await timer.WaitForNextTickAsync(_stopped.Token));
        }
        catch (OperationCanceledException)
        {
            // The host has stopped.
        }
    }

    /// <summary>Reports the number of connections whenever it is not the one that systemd was told last.</summary>
    private async Task ShowDrainAsync(int shown)
    {
        using var timer = new PeriodicTimer(StatusInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopped.Token))
            {
                if (registry.Count is var count && count != shown)
                {
                    shown = count;
                    Notify($"STATUS={Draining(count)}");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host has stopped.
        }
    }

    private string Draining(int connections) => drain.IsOver ? "Drained" : connections == 1 ? "Draining, 1 connection" : $"Draining, {connections} connections";

    /// <summary>Sends a message. Where systemd does not take it, the host goes on; the first failure is logged.</summary>
    private void Notify(string message)
    {
        try
        {
            notifier.Notify(new ServiceState(message));
        }
        catch (SocketException e)
        {
            if (Interlocked.Increment(ref _failures) == 1)
            {
                Failed(logger, e.Message);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "systemd can't be told the host's state: {Problem:l}")]
    private static partial void Failed(ILogger logger, string problem);
}
