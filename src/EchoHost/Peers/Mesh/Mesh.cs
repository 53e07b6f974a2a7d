using EchoHost.Lifetime;

namespace EchoHost.Peers.Mesh;

/// <summary>
/// Probes every peer continuously, at the times of a <see cref="ProbeSchedule"/>. Each probe makes a new connection, so it
/// tests the whole path. A peer's failures never affect this host.
/// </summary>
internal sealed class Mesh(
    MeshOptions options,
    PeerList peers,
    PeerNames names,
    PeerClient client,
    PeerMetrics metrics,
    TimeProvider time,
    ILogger<Mesh> logger) : LifecycleService, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly ProbeSchedule _schedule = new(options.Interval, Random.Shared);
    private readonly Dictionary<Peer, (Task Task, CancellationTokenSource Stop)> _probes = [];
    private Task _beginning = Task.CompletedTask;
    private Task _resolving = Task.CompletedTask;
    private ITimer? _timer;

    /// <summary>When probing began, as a timestamp; null before.</summary>
    private long? _start;

    /// <summary>The time of the schedule: how long probing has run.</summary>
    private TimeSpan Now => _start is { } start ? time.GetElapsedTime(start) : TimeSpan.Zero;

    public override Task StartedAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Add([.. options.Targets.Select(target => new Peer(target, PeerSource.Targets))], haveSomeLeft: false);
        _beginning = Task.Run(BeginAsync, CancellationToken.None);
        _resolving = names.RunAsync(OnFound, _stop.Token);
        return Task.CompletedTask;
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_beginning, _resolving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Task[] probes;
        lock (_lock)
        {
            probes = [.. _probes.Values.Select(probe => probe.Task)];
        }

        await Task.WhenAll(probes).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _stop.Dispose();
    }

    private async Task BeginAsync()
    {
        // Warm up TLS too if any peer speaks it. Probing begins even if the warm-up fails.
        var target = options.Targets.Concat(options.Names).OrderByDescending(peer => peer.IsTls).First();
        await client.WarmUpAsync(target, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            _start = time.GetTimestamp();
        }

        Look();
    }

    /// <summary>Adds and removes peers so that the list matches the resolved names.</summary>
    private void OnFound(IReadOnlyCollection<FoundPeer> found)
    {
        var wanted = found.Where(f => f.IsChosen).DistinctBy(f => f.Target.Name).ToDictionary(f => f.Target.Name);
        var left = peers.All().Where(peer => peer.Source == PeerSource.Dns && !wanted.ContainsKey(peer.Name)).ToArray();
        if (left.Length > 0)
        {
            var known = found.Select(f => f.Target.Name).ToHashSet();
            foreach (var peer in left)
            {
                Remove(peer, isStillFound: known.Contains(peer.Name));
            }
        }

        var joining = wanted.Values.Where(f => peers.Find(f.Target.Name) is null).ToArray();
        foreach (var peer in joining)
        {
            MeshLog.Found(logger, peer.Target.Name, peer.Name);
        }

        Add([.. joining.Select(f => new Peer(f.Target, PeerSource.Dns))], left.Length > 0);
        Look();
    }

    private void Add(IReadOnlyList<Peer> joining, bool haveSomeLeft)
    {
        foreach (var peer in joining)
        {
            peers.Add(peer);
        }

        // Before the first probe, so that its metrics count. Outside the lock: it may wait for a scrape, and probes must not.
        metrics.PeersChanged(haveSomeLeft);
        lock (_lock)
        {
            _schedule.Add(joining, Now);
        }
    }

    /// <param name="peer">The peer.</param>
    /// <param name="isStillFound">Whether a name still has the address, but other hosts probe it now.</param>
    private void Remove(Peer peer, bool isStillFound)
    {
        peers.Remove(peer);
        lock (_lock)
        {
            _schedule.Remove(peer);
            if (_probes.TryGetValue(peer, out var probe))
            {
                probe.Stop.Cancel();
            }
        }

        if (isStillFound)
        {
            MeshLog.NoLongerChosen(logger, peer.Name);
        }
        else
        {
            MeshLog.Left(logger, peer.Name);
        }
    }

    /// <summary>Begins the probes that are due, and sets the timer for the next one.</summary>
    private void Look()
    {
        lock (_lock)
        {
            if (_start is null || _stop.IsCancellationRequested)
            {
                return;
            }

            var now = Now;
            while (_schedule.Begin(now) is { } peer)
            {
                var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                _probes[peer] = (Task.Run(() => ProbeAsync(peer, stop), CancellationToken.None), stop);
            }

            // Timers count whole milliseconds. Round up, so that the timer does not fire too early.
            var wait = _schedule.Next is { } next
                ? TimeSpan.FromMilliseconds(Math.Ceiling((next - now).TotalMilliseconds))
                : Timeout.InfiniteTimeSpan;
            _timer!.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task ProbeAsync(Peer peer, CancellationTokenSource stop)
    {
        try
        {
            using var limit = new TimeLimit(options.Timeout, time, stop.Token);
            var probe = await client.ProbeAsync(peer.Target, options.PayloadBytes, limit);
            if (peer.Record(probe, time.GetUtcNow(), metrics.Probed) is { } change)
            {
                MeshLog.Changed(logger, peer, probe, change);
            }
        }
        catch (Exception e)
        {
            // Don't filter OperationCanceledException: an aborted connection throws it too. The next probe runs as planned.
            if (!stop.IsCancellationRequested)
            {
                MeshLog.Failed(logger, peer.Name, e);
            }
        }

        lock (_lock)
        {
            _probes.Remove(peer);
            stop.Dispose();
            _schedule.End(peer, Now);
        }

        Look();
    }
}
