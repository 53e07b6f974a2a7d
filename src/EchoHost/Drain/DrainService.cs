using EchoHost.Connections.Tracking;
using EchoHost.Lifetime;
using EchoHost.Metrics;

namespace EchoHost.Drain;

/// <summary>
/// Drains the host after SIGTERM: becomes unready, waits for the load balancers, rejects new connections, closes the quiet
/// ones spread over time, lets the busy ones finish within the grace period, and aborts the rest. Runs before Kestrel
/// stops, because Kestrel would unbind every endpoint at once, the health endpoint too.
/// </summary>
internal sealed class DrainService(
    DrainOptions options, DrainState state, ConnectionRegistry registry, SecondSignal secondSignal, TimeProvider time, ILogger<DrainService> logger)
    : LifecycleService
{
    /// <summary>A connection is quiet once no byte has moved for this long.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a connection may take to send its last bytes after the grace period.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The maximum duration of a drain, including the HTTP deadline. The host's shutdown timeout must be longer.
    /// </summary>
    public static TimeSpan Longest(DrainOptions options) => options.ReadinessDelay + options.GracePeriod + (3 * LastWords);

    public override async Task StoppingAsync(CancellationToken cancellationToken)
    {
        state.BeginDraining();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, secondSignal.Token);
        try
        {
            DrainLog.Draining(logger, options.ReadinessDelay.TotalSeconds, registry.Count, options.GracePeriod.TotalSeconds);
            await Task.Delay(options.ReadinessDelay, time, stop.Token);
            var start = time.GetTimestamp();
            state.BeginRejecting();
            await CloseQuietAsync(start, stop.Token);
            await CloseRestAsync(stop.Token);
        }
        catch (OperationCanceledException)
        {
            state.BeginRejecting();
            DrainLog.EndedAtOnce(logger, registry.Count);
        }

        state.End();
        await AbortAllAsync();
        state.EndHttpAfter(LastWords);
        DrainLog.Drained(logger);
    }

    /// <summary>
    /// Closes quiet connections, spread over the configured time, and busy ones as they become quiet, until the grace
    /// period ends.
    /// </summary>
    /// <param name="start">When the host began to reject connections.</param>
    /// <param name="stop">Ends it early.</param>
    private async Task CloseQuietAsync(long start, CancellationToken stop)
    {
        var spread = options.CloseSpread < options.GracePeriod ? options.CloseSpread : options.GracePeriod;
        var quiet = registry.All().Where(IsQuiet).ToArray();
        var closed = 0;
        while (registry.Count > 0)
        {
            var elapsed = time.GetElapsedTime(start);
            if (elapsed >= options.GracePeriod && elapsed >= spread)
            {
                return;
            }

            var due = elapsed >= spread ? quiet.Length : (int)(quiet.Length * (elapsed / spread));
            for (; closed < due; closed++)
            {
                CloseIfQuiet(quiet[closed]);
            }

            if (elapsed >= spread)
            {
                foreach (var connection in registry.All())
                {
                    CloseIfQuiet(connection);
                }
            }

            await Task.Delay(Tick, time, stop);
        }
    }

    /// <summary>
    /// Closes the remaining connections after the grace period; their clients still receive the echo of what they sent.
    /// </summary>
    private async Task CloseRestAsync(CancellationToken stop)
    {
        if (registry.Count == 0)
        {
            return;
        }

        DrainLog.GraceOver(logger, registry.Count);
        foreach (var connection in registry.All())
        {
            Try(connection, c => c.RequestClose(CloseReason.DrainTimeout));
        }

        await WaitForAllAsync(LastWords, stop);
    }

    private async Task AbortAllAsync()
    {
        foreach (var connection in registry.All())
        {
            Try(connection, c => c.Abort(CloseReason.DrainTimeout));
        }

        await WaitForAllAsync(LastWords, CancellationToken.None);
    }

    private async Task WaitForAllAsync(TimeSpan most, CancellationToken stop)
    {
        var start = time.GetTimestamp();
        while (registry.Count > 0 && time.GetElapsedTime(start) < most)
        {
            await Task.Delay(Tick, time, stop);
        }
    }

    private void CloseIfQuiet(TrackedConnection connection)
    {
        if (IsQuiet(connection))
        {
            Try(connection, c => c.RequestClose(CloseReason.Drained));
        }
    }

    /// <summary>Runs <paramref name="end"/>. An error on one connection must not stop the drain of the others.</summary>
    private void Try(TrackedConnection connection, Action<TrackedConnection> end)
    {
        try
        {
            end(connection);
        }
        catch (Exception e)
        {
            DrainLog.Failed(logger, connection.Client, e);
        }
    }

    /// <summary>A connection whose client does not take its bytes is stuck or slow, not quiet.</summary>
    private static bool IsQuiet(TrackedConnection connection) => !connection.IsSending && connection.Idle >= Quiet;
}
