using System.Collections.Concurrent;
using System.Collections.ObjectModel;
using System.Net;
using EchoHost.Identity;
using EchoHost.Lifetime;
using EchoHost.Peers.Mesh;

namespace EchoHost.Peers.Fleet;

/// <summary>
/// The view that every host of the fleet has of its peers, gathered from their <c>/peers</c>: only when somebody asks, at most once
/// an interval, and never so that one bad host hides the others. The last view of a host stays, with its age, until
/// the host is no peer any more.
/// </summary>
internal sealed class FleetView(
    MeshOptions options,
    Instance instance,
    PeerList peers,
    PeerNames names,
    OwnAddresses own,
    PeerViewClient client,
    TimeProvider time,
    IHostApplicationLifetime lifetime) : LifecycleService, IDisposable
{
    /// <summary>
    /// The maximum number of pairs of hosts that are kept, so that memory is bounded, at some 50 MB. Further hosts' views are
    /// left out.
    /// </summary>
    public const int MaxPairs = 200_000;

    private static readonly Known NotAsked = new(null, 0, "not asked yet", IsOwn: false);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Known> _known = new(StringComparer.OrdinalIgnoreCase);
    private readonly CancellationTokenSource _stop = new();
    private Task _gathering = Task.CompletedTask;
    private long? _begun;
    private int _pairs;

    /// <summary>How long a caller waits after a gathering began: a little longer than a silent host is waited for.</summary>
    private TimeSpan MaxWait => options.Timeout * 1.1;

    /// <summary>
    /// Gathers the views, unless that was done within the last interval. Callers share a gathering. Returns when it is done, or
    /// has taken about as long as one host may take; it then goes on by itself.
    /// </summary>
    /// <exception cref="OperationCanceledException">The caller left.</exception>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        Task gathering;
        TimeSpan left;
        lock (_lock)
        {
            if (_gathering.IsCompleted && !(_begun is { } last && time.GetElapsedTime(last) < options.Interval) && !_stop.IsCancellationRequested)
            {
                _begun = time.GetTimestamp();
                _gathering = Task.Run(GatherAsync, CancellationToken.None);
            }

            gathering = _gathering;
            left = MaxWait - time.GetElapsedTime(_begun ?? 0);
        }

        if (left > TimeSpan.Zero)
        {
            // While the host stops, a caller gets what is there: the stop does not wait for other hosts.
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
            await gathering.WaitAsync(left, time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The hosts with their views as far as they are known: this host first, with its own peers as they are now.</summary>
    public IReadOnlyList<FleetHost> Describe()
    {
        List<FleetHost> hosts = [];
        var (others, ownTargets) = Members();
        lock (_lock)
        {
            foreach (var (name, _) in others)
            {
                var known = _known.GetValueOrDefault(name, NotAsked);
                if (known.IsOwn)
                {
                    ownTargets.Add(name);
                    continue;
                }

                hosts.Add(new FleetHost(
                    known.View?.Instance,
                    known.View?.Labels ?? ReadOnlyDictionary<string, string>.Empty,
                    name,
                    Self: false,
                    known.View is null ? null : Math.Round(time.GetElapsedTime(known.At).TotalSeconds, 1),
                    known.Error,
                    known.View?.Peers ?? []));
            }
        }

        hosts.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        var ownName = names.OwnName ?? ownTargets.Min(StringComparer.Ordinal) ?? NameAmong(hosts.SelectMany(host => host.Peers));
        FleetPeer[] ownPeers = [.. peers.All().OrderBy(peer => peer.Name, StringComparer.Ordinal).Select(peer => FleetPeer.Of(peer.Describe()))];
        return [new FleetHost(instance.Name, instance.Labels, ownName, Self: true, AgeSeconds: 0, Error: null, ownPeers), .. hosts];
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _gathering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose() => _stop.Dispose();

    /// <summary>All members but this host, by name; and the targets that are addresses of this host.</summary>
    private (Dictionary<string, PeerTarget> Others, List<string> Own) Members()
    {
        var isOwn = OwnByPort();
        var others = new Dictionary<string, PeerTarget>(StringComparer.OrdinalIgnoreCase);
        List<string> ownTargets = [];
        foreach (var target in options.Targets)
        {
            if (target.KnownEndPoint is IPEndPoint at && isOwn(target.Port)(at.Address))
            {
                ownTargets.Add(target.Name);
            }
            else
            {
                others[target.Name] = target;
            }
        }

        foreach (var found in names.Found)
        {
            others.TryAdd(found.Target.Name, found.Target);
        }

        return (others, ownTargets);
    }

    private async Task GatherAsync()
    {
        var (others, _) = Members();
        (PeerTarget Target, bool HasFailed)[] order;
        lock (_lock)
        {
            foreach (var gone in _known.Keys.Where(name => !others.ContainsKey(name)).ToArray())
            {
                Set(gone, null);
            }

            order = [.. others.Select(other => (other.Value, _known.GetValueOrDefault(other.Key)?.Error is not null))];
        }

        // Those that failed last time come last: others don't wait for their timeouts.
        var isOwn = OwnByPort();
        var limits = new ParallelOptions { MaxDegreeOfParallelism = MeshOptions.MaxFleetCalls, CancellationToken = _stop.Token };
        await Parallel.ForEachAsync(
            order.OrderBy(other => other.HasFailed).Select(other => other.Target),
            limits,
            async (target, stop) => await AskAsync(target, isOwn, stop));
    }

    private async Task AskAsync(PeerTarget target, Func<int, Predicate<IPAddress>> isOwn, CancellationToken stop)
    {
        try
        {
            var view = await client.AskAsync(target, isOwn(target.Port), stop);
            lock (_lock)
            {
                var isTooMuch = view is not null && _pairs - PairsOf(target.Name) + view.Peers.Count > MaxPairs;
                Set(target.Name, isTooMuch
                    ? new Known(null, 0, $"left out: the fleet has more than {MaxPairs} pairs of hosts; with Peers:Fanout it has fewer", IsOwn: false)
                    : new Known(view, time.GetTimestamp(), null, IsOwn: view is null));
            }
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            // Any exception: what one host answers must not end the gathering.
            var error = e is not PeerException failure ? $"the answer can't be used: {e.GetType().Name}"
                : failure.Result == ProbeResult.Mismatch ? failure.Message
                : $"{failure.Result.Label()}: {failure.Message}";
            lock (_lock)
            {
                Set(target.Name, _known.GetValueOrDefault(target.Name, NotAsked) with { Error = error, IsOwn = false });
            }
        }
    }

    private int PairsOf(string name) => _known.GetValueOrDefault(name)?.View?.Peers.Count ?? 0;

    /// <summary>Replaces what is known of a host; null forgets it.</summary>
    private void Set(string name, Known? known)
    {
        _pairs += (known?.View?.Peers.Count ?? 0) - PairsOf(name);
        if (known is null)
        {
            _known.Remove(name);
        }
        else
        {
            _known[name] = known;
        }
    }

    /// <summary>The name by which most other hosts probe this one; null if none is an address of this host.</summary>
    private string? NameAmong(IEnumerable<FleetPeer> probed)
    {
        var isOwn = OwnByPort(seenFromOutside: true);
        return probed.CountBy(peer => peer.Name)
            .Where(name => IPEndPoint.TryParse(name.Key, out var at) && isOwn(at.Port)(at.Address))
            .OrderByDescending(name => name.Value)
            .ThenBy(name => name.Key, StringComparer.Ordinal)
            .Select(name => name.Key)
            .FirstOrDefault();
    }

    /// <summary>Tells this host's addresses, by port. To find those of the machine takes time, so each port's are found once.</summary>
    private Func<int, Predicate<IPAddress>> OwnByPort(bool seenFromOutside = false)
    {
        // Used by all calls of a gathering at once.
        ConcurrentDictionary<int, Predicate<IPAddress>> byPort = [];
        return port => byPort.GetOrAdd(port, port => own.At(port, seenFromOutside));
    }

    /// <param name="View">The last view; null if there is none.</param>
    /// <param name="At">When it was received.</param>
    /// <param name="Error">Why there is no newer one; null if the last call succeeded.</param>
    /// <param name="IsOwn">Whether the name turned out to be this host's own.</param>
    private sealed record Known(PeerView? View, long At, string? Error, bool IsOwn);
}
