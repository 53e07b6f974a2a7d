using System.Net;
using System.Net.Sockets;

namespace EchoHost.Peers.Mesh;

/// <summary>Asks now and then which addresses the configured names have: each is a peer.</summary>
internal sealed class PeerNames(MeshOptions options, INameResolver resolver, OwnAddresses own, TimeProvider time, ILogger<Mesh> logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PeerTarget, IReadOnlyList<PeerTarget>> _found = [];
    private readonly Dictionary<PeerTarget, string> _problems = [];

    /// <summary>Resolves every name for as long as it is not told to stop; <paramref name="onFound"/> gets all peers of all names when any was resolved.</summary>
    public Task RunAsync(Action<IReadOnlyCollection<(PeerTarget Peer, string Name)>> onFound, CancellationToken stop) =>
        Task.WhenAll(options.Names.Select(name => RunAsync(name, onFound, stop)));

    private async Task RunAsync(PeerTarget name, Action<IReadOnlyCollection<(PeerTarget Peer, string Name)>> onFound, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(options.Interval, time);
        do
        {
            if (await ResolveAsync(name, stop) is { } peers)
            {
                lock (_lock)
                {
                    _found[name] = peers;
                    onFound([.. _found.SelectMany(found => found.Value.Select(peer => (peer, found.Key.Name)))]);
                }
            }
        }
        while (await timer.WaitForNextTickAsync(stop));
    }

    /// <summary>The peers at a name's addresses; null if it could not be resolved, and what was known stays.</summary>
    private async Task<IReadOnlyList<PeerTarget>?> ResolveAsync(PeerTarget name, CancellationToken stop)
    {
        using var limit = new TimeLimit(options.Timeout, time, stop);
        try
        {
            // A resolver may not hear of being canceled.
            var found = await limit.RunAsync(token => resolver.ResolveAsync(name.Host, token).WaitAsync(token), () => "no answer");
            var addresses = found.Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).Distinct();
            PeerTarget[] peers = [.. own.LeaveOut(addresses, name.Port).Select(address => name with { EndPoint = new IPEndPoint(address, name.Port) })];
            Tell(name, null, found.Length == 0);
            return peers;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData)
        {
            // A headless service of which no pod is ready.
            Tell(name, null, isEmpty: true);
            return [];
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            // The resolver did not answer, or failed in a way that was not foreseen; it is asked again all the same.
            Tell(name, e is SocketException failure ? PeerException.OfResolving(name.Host, failure).Message : e.Message, isEmpty: false);
            return null;
        }
    }

    /// <summary>Says what is new.</summary>
    private void Tell(PeerTarget name, string? problem, bool isEmpty)
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
}
