using System.Net;
using System.Net.Sockets;
using EchoHost.Identity;

namespace EchoHost.Peers.Mesh;

/// <summary>
/// Resolves the configured names at regular intervals. Each address of a name is a peer, of which this host probes all or, with
/// <c>Peers:Fanout</c>, some.
/// </summary>
internal sealed class PeerNames(
    MeshOptions options, INameResolver resolver, OwnAddresses own, Instance instance, TimeProvider time, ILogger<Mesh> logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PeerTarget, Resolved> _found = [];
    private readonly Dictionary<PeerTarget, string> _problems = [];

    /// <summary>The peers of all names as they were resolved last, also those that this host does not probe.</summary>
    public IReadOnlyList<FoundPeer> Found
    {
        get
        {
            lock (_lock)
            {
                return AllFound();
            }
        }
    }

    /// <summary>The name by which the peers know this host: its address among those of the first name that has it; null if none has.</summary>
    public string? OwnName
    {
        get
        {
            lock (_lock)
            {
                return options.Names.Select(name => _found.GetValueOrDefault(name)?.OwnName).FirstOrDefault(name => name is not null);
            }
        }
    }

    /// <summary>Resolves every name until canceled.</summary>
    /// <param name="onFound">Receives all peers of all names, each time a name was resolved.</param>
    /// <param name="stop">Ends the resolving.</param>
    public Task RunAsync(Action<IReadOnlyCollection<FoundPeer>> onFound, CancellationToken stop) =>
        Task.WhenAll(options.Names.Select(name => RunAsync(name, onFound, stop)));

    private async Task RunAsync(PeerTarget name, Action<IReadOnlyCollection<FoundPeer>> onFound, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(options.Interval, time);
        do
        {
            if (await ResolveAsync(name, stop) is { } resolved)
            {
                lock (_lock)
                {
                    _found[name] = resolved;
                    onFound(AllFound());
                }
            }
        }
        while (await timer.WaitForNextTickAsync(stop));
    }

    /// <summary>Resolves a name to its peers; null if the resolver did not answer, and the known peers stay.</summary>
    private async Task<Resolved?> ResolveAsync(PeerTarget name, CancellationToken stop)
    {
        using var limit = new TimeLimit(options.Timeout, time, stop);
        try
        {
            // WaitAsync, in case the resolver ignores the token.
            var found = await limit.RunAsync(token => resolver.ResolveAsync(name.Host, token).WaitAsync(token), () => "no answer");
            var addresses = found.Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).Distinct();
            var resolved = Split(name, addresses);
            LogChange(name, null, found.Length == 0);
            return resolved;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData)
        {
            // Not a failure: a headless Kubernetes service without ready pods, for example.
            LogChange(name, null, isEmpty: true);
            return new Resolved([], null);
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            // The resolver did not answer, or failed unexpectedly. The next interval asks it again.
            var problem = e is SocketException failure ? PeerException.OfResolving(name.Host, failure).Message : e.Message;
            LogChange(name, problem, isEmpty: false);
            return null;
        }
    }

    private List<FoundPeer> AllFound() => [.. _found.Values.SelectMany(found => found.Peers)];

    /// <summary>Tells the peers among a name's addresses from this host's own, and chooses those to probe, of each family by itself.</summary>
    private Resolved Split(PeerTarget name, IEnumerable<IPAddress> addresses)
    {
        var isOwn = own.At(name.Port);
        List<FoundPeer> peers = [];
        string? ownName = null;
        foreach (var family in addresses.GroupBy(address => address.AddressFamily))
        {
            var members = family.ToLookup(address => isOwn(address), address => name with { EndPoint = new IPEndPoint(address, name.Port) });
            // The first by name: the order of a name's addresses changes with each answer.
            var ownOfFamily = members[true].Select(member => member.Name).Min(StringComparer.Ordinal);
            ownName ??= ownOfFamily;
            peers.AddRange(Choose(ownOfFamily ?? instance.Name, [.. members[false]], name.Name));
        }

        return new Resolved(peers, ownName);
    }

    private IEnumerable<FoundPeer> Choose(string ownName, PeerTarget[] others, string name)
    {
        if (options.Fanout is not { } fanout || fanout >= others.Length)
        {
            return others.Select(other => new FoundPeer(other, name, IsChosen: true));
        }

        var keys = Array.ConvertAll(others, other => ProbeRings.KeyOf(other.Name));
        var chosen = ProbeRings.Choose(ProbeRings.KeyOf(ownName), keys, fanout).ToHashSet();
        return others.Select((other, i) => new FoundPeer(other, name, chosen.Contains(i)));
    }

    /// <summary>Logs a change in how a name resolves.</summary>
    private void LogChange(PeerTarget name, string? problem, bool isEmpty)
    {
        const string empty = "";
        lock (_lock)
        {
            var now = problem ?? (isEmpty ? empty : null);
            var before = _problems.GetValueOrDefault(name);
            if (now == before)
            {
                return;
            }

            if (now is null)
            {
                _problems.Remove(name);
                MeshLog.ResolvedAgain(logger, name.Name);
                return;
            }

            _problems[name] = now;
            if (isEmpty)
            {
                MeshLog.NoAddress(logger, name.Name);
            }
            else
            {
                MeshLog.Unresolved(logger, name.Name, now);
            }
        }
    }

    /// <param name="Peers">The peers among a name's addresses.</param>
    /// <param name="OwnName">This host's own address among them, as a peer's name; null if there is none.</param>
    private sealed record Resolved(IReadOnlyList<FoundPeer> Peers, string? OwnName);
}
