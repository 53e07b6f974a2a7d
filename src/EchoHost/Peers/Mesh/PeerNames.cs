using System.Net;
using System.Net.Sockets;

namespace EchoHost.Peers.Mesh;

/// <summary>Resolves the configured names at regular intervals. Each address of a name is a peer.</summary>
internal sealed class PeerNames(MeshOptions options, INameResolver resolver, OwnAddresses own, TimeProvider time, ILogger<Mesh> logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PeerTarget, IReadOnlyList<PeerTarget>> _found = [];
    private readonly Dictionary<PeerTarget, string> _problems = [];

    /// <summary>Resolves every name until canceled.</summary>
    /// <param name="onFound">Receives all peers of all names, each time a name was resolved.</param>
    /// <param name="stop">Ends the resolving.</param>
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

    /// <summary>Resolves a name to its peers; null if the resolver did not answer, and the known peers stay.</summary>
    private async Task<IReadOnlyList<PeerTarget>?> ResolveAsync(PeerTarget name, CancellationToken stop)
    {
        using var limit = new TimeLimit(options.Timeout, time, stop);
        try
        {
            // WaitAsync, in case the resolver ignores the token.
            var found = await limit.RunAsync(token => resolver.ResolveAsync(name.Host, token).WaitAsync(token), () => "no answer");
            var addresses = found.Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).Distinct();
            PeerTarget[] peers =
            [
                .. own.LeaveOut(addresses, name.Port).Select(address => name with { EndPoint = new IPEndPoint(address, name.Port) }),
            ];
            LogChange(name, null, found.Length == 0);
            return peers;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData)
        {
            // Not a failure: a headless Kubernetes service without ready pods, for example.
            LogChange(name, null, isEmpty: true);
            return [];
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            // The resolver did not answer, or failed unexpectedly. The next interval asks it again.
            var problem = e is SocketException failure ? PeerException.OfResolving(name.Host, failure).Message : e.Message;
            LogChange(name, problem, isEmpty: false);
            return null;
        }
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
}
