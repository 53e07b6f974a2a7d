using EchoHost.Lifetime;

namespace EchoHost.Http.Live;

/// <summary>Drives the feed from the host's start to the end of its drain.</summary>
internal sealed class LiveService(LiveFeed feed, TimeProvider time) : LifecycleService, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private ITimer? _timer;

    public override Task StartedAsync(CancellationToken cancellationToken)
    {
        feed.Tick();
        _timer = time.CreateTimer(_ => feed.Tick(), null, Interval, Interval);
        return Task.CompletedTask;
    }

    /// <summary>
    /// Ends the events. The host calls this after the drain's own step, as services stop in the opposite order; Kestrel, which
    /// would wait for open responses, stops later.
    /// </summary>
    public override Task StoppingAsync(CancellationToken cancellationToken)
    {
        Dispose();
        feed.End();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();
}
