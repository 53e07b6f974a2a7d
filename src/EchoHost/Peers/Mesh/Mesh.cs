using EchoHost.Lifetime;

namespace EchoHost.Peers.Mesh;

/// <summary>
/// Probes every peer all the time, each by a connection of its own, so that the whole path is tested, when the
/// <see cref="ProbeSchedule"/> says so. A peer's failures never affect this host.
/// </summary>
internal sealed class Mesh(MeshOptions options, PeerList peers, PeerNames names, PeerClient client, PeerMetrics metrics, TimeProvider time, ILogger<Mesh> logger) : LifecycleService, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly ProbeSchedule _schedule = new(options.Interval, Random.Shared);
    private readonly Dictionary<Peer, (Task Task, CancellationTokenSource Stop)> _probes = [];
    private Task _beginning = Task.CompletedTask;
    private Task _resolving = Task.CompletedTask;
    private ITimer? _timer;

    /// <summary>When the probing began; null before.</summary>
    private long? _start;

    /// <summary>The schedule's time.</summary>
    private TimeSpan Now => _start is { } start ? time.GetElapsedTime(start) : TimeSpan.Zero;

    public override Task StartedAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        lock (_lock)
        {
            Add([.. options.Targets.Select(target => new Peer(target, PeerSource.Targets))], haveSomeLeft: false);
        }

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
        // Also if it failed.
        await client.WarmUpAsync(options.Targets.Concat(options.Names).OrderByDescending(target => target.IsTls).First(), _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            _start = time.GetTimestamp();
        }

        Look();
    }

    /// <summary>Makes the list what the names say now.</summary>
    private void OnFound(IReadOnlyCollection<(PeerTarget Peer, string Name)> found)
    {
        lock (_lock)
        {
            var wanted = found.DistinctBy(f => f.Peer.Name).ToDictionary(f => f.Peer.Name);
            var left = peers.All().Where(peer => peer.Source == PeerSource.Dns && !wanted.ContainsKey(peer.Name)).ToArray();
            foreach (var peer in left)
            {
                Remove(peer);
            }

            var joining = wanted.Values.Where(f => peers.Find(f.Peer.Name) is null).ToArray();
            foreach (var (target, name) in joining)
            {
                MeshLog.Found(logger, target.Name, name);
            }

            Add([.. joining.Select(f => new Peer(f.Peer, PeerSource.Dns))], left.Length > 0);
        }

        Look();
    }

    private void Add(IReadOnlyList<Peer> joining, bool haveSomeLeft)
    {
        foreach (var peer in joining)
        {
            peers.Add(peer);
        }

        // Before the first probe, which counts too.
        metrics.PeersChanged(haveSomeLeft);
        _schedule.Add(joining, Now);
    }

    private void Remove(Peer peer)
    {
        peers.Remove(peer);
        _schedule.Remove(peer);
        if (_probes.TryGetValue(peer, out var probe))
        {
            probe.Stop.Cancel();
        }

        MeshLog.Left(logger, peer.Name);
    }

    /// <summary>Begins the probes that are due, and looks again when the next one is.</summary>
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

            // A timer counts whole milliseconds, and should not come too early.
            _timer!.Change(_schedule.Next is { } next ? TimeSpan.FromMilliseconds(Math.Ceiling((next - now).TotalMilliseconds)) : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
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
            // An aborted connection is an OperationCanceledException too. The next probe runs as planned.
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
