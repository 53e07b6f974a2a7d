using EchoHost.Lifetime;

namespace EchoHost.Peers.Mesh;

/// <summary>
/// Probes every peer all the time, each by a connection of its own, so that the whole path is tested. Probes are spread
/// over the interval, and limited in number at any time. A peer's failures never affect this host.
/// </summary>
internal sealed class Mesh(MeshOptions options, PeerList peers, PeerNames names, PeerClient client, PeerMetrics metrics, TimeProvider time, ILogger<Mesh> logger) : LifecycleService, IDisposable
{
    /// <summary>A probe comes earlier or later by up to this share of the interval, so that hosts don't fall into step.</summary>
    private const double Jitter = 0.1;

    /// <summary>Each further peer's place in the interval is this much further on: however many there are, they are spread evenly.</summary>
    private const double GoldenRatio = 0.6180339887498949;

    /// <summary>New peers need not wait for their place; they are looked at one this much after the other.</summary>
    private static readonly TimeSpan FirstLooks = TimeSpan.FromMilliseconds(10);

    private readonly SemaphoreSlim _slots = new(MeshOptions.MaxProbes);
    private readonly SemaphoreSlim _slotsOfDown = new(MeshOptions.MaxProbesOfDown);
    private readonly CancellationTokenSource _stopResolving = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<Peer, CancellationTokenSource> _stops = [];
    private readonly Dictionary<Peer, Task> _running = [];
    private Task _warmup = Task.CompletedTask;
    private Task _resolving = Task.CompletedTask;
    private double _place = Random.Shared.NextDouble();

    public override Task StartedAsync(CancellationToken cancellationToken)
    {
        _warmup = Task.Run(() => client.WarmUpAsync(options.Targets.Concat(options.Names).OrderByDescending(target => target.IsTls).First(), _stopResolving.Token), CancellationToken.None);
        lock (_lock)
        {
            Add([.. options.Targets.Select(target => new Peer(target, PeerSource.Targets))], haveSomeLeft: false);
        }

        _resolving = names.RunAsync(OnFound, _stopResolving.Token);
        return Task.CompletedTask;
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopResolving.CancelAsync();
        await _resolving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Task[] running;
        lock (_lock)
        {
            running = [.. _running.Values];
            foreach (var stop in _stops.Values.ToArray())
            {
                stop.Cancel();
            }
        }

        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _stopResolving.Dispose();
        _slots.Dispose();
        _slotsOfDown.Dispose();
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
    }

    private void Add(IReadOnlyList<Peer> joining, bool haveSomeLeft)
    {
        foreach (var peer in joining)
        {
            peers.Add(peer);
        }

        // Before the first probe, which counts too.
        metrics.PeersChanged(haveSomeLeft);
        for (var i = 0; i < joining.Count; i++)
        {
            Start(joining[i], i);
        }
    }

    private void Start(Peer peer, int index)
    {
        _place = (_place + GoldenRatio) % 1;
        var place = options.Interval * _place;
        var stop = _stops[peer] = new CancellationTokenSource();
        _running[peer] = Task.Run(() => RunAsync(peer, FirstLooks * index < place ? FirstLooks * index : place, place, stop));
    }

    private void Remove(Peer peer)
    {
        peers.Remove(peer);
        // It is gone already where its probing has ended.
        if (_stops.TryGetValue(peer, out var stop))
        {
            stop.Cancel();
        }

        MeshLog.Left(logger, peer.Name);
    }

    private async Task RunAsync(Peer peer, TimeSpan first, TimeSpan place, CancellationTokenSource stop)
    {
        try
        {
            // Also if it failed.
            await _warmup.WaitAsync(stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var start = time.GetTimestamp();
            await Task.Delay(first, time, stop.Token);
            while (true)
            {
                var begun = time.GetElapsedTime(start);
                await ProbeAsync(peer, stop.Token);
                var now = time.GetElapsedTime(start);
                var next = NextTurn(place, begun, now) + (options.Interval * Jitter * ((2 * Random.Shared.NextDouble()) - 1));
                await Task.Delay(next > now ? next - now : TimeSpan.Zero, time, stop.Token);
            }
        }
        finally
        {
            lock (_lock)
            {
                _stops.Remove(peer);
                _running.Remove(peer);
                stop.Dispose();
            }
        }
    }

    private async Task ProbeAsync(Peer peer, CancellationToken stop)
    {
        if (peer.State != PeerState.Down)
        {
            await ProbeNowAsync(peer, stop);
            return;
        }

        await _slotsOfDown.WaitAsync(stop);
        try
        {
            await ProbeNowAsync(peer, stop);
        }
        finally
        {
            _slotsOfDown.Release();
        }
    }

    private async Task ProbeNowAsync(Peer peer, CancellationToken stop)
    {
        await _slots.WaitAsync(stop);
        try
        {
            var probe = await ProbeNowAsync(peer.Target, stop);
            if (peer.Record(probe, time.GetUtcNow(), metrics.Probed) is { } change)
            {
                MeshLog.Changed(logger, peer, probe, change);
            }
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            // Unexpected; an aborted connection is an OperationCanceledException too. The next probe runs as planned.
            MeshLog.Failed(logger, peer.Name, e);
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task<Probe> ProbeNowAsync(PeerTarget target, CancellationToken stop)
    {
        using var limit = new TimeLimit(options.Timeout, time, stop);
        return await client.ProbeAsync(target, options.PayloadBytes, limit);
    }

    /// <summary>The next turn that is half an interval or more after the last probe began; those missed meanwhile are not made up for.</summary>
    private TimeSpan NextTurn(TimeSpan place, TimeSpan begun, TimeSpan now)
    {
        var turn = Math.Ceiling(Math.Max(((begun - place) / options.Interval) + 0.5, (now - place) / options.Interval));
        return place + (options.Interval * Math.Max(0, turn));
    }
}
