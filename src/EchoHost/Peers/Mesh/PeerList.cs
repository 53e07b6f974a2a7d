using System.Collections.Concurrent;

namespace EchoHost.Peers.Mesh;

/// <summary>The peers there are now, by name.</summary>
internal sealed class PeerList
{
    private readonly ConcurrentDictionary<string, Peer> _peers = new(StringComparer.OrdinalIgnoreCase);

    public int Count => _peers.Count;

    /// <summary>All of them, in no order.</summary>
    public IEnumerable<Peer> All() => _peers.Select(peer => peer.Value);

    /// <summary>The peer of this name; <c>tls://</c> before it makes no difference.</summary>
    public Peer? Find(string name) =>
        _peers.GetValueOrDefault(name) ?? (PeerTarget.TryParse(name, out var target, out _) ? _peers.GetValueOrDefault(target!.Name) : null);

    public void Add(Peer peer) => _peers[peer.Name] = peer;

    public void Remove(Peer peer)
    {
        peer.Forget();
        _peers.TryRemove(KeyValuePair.Create(peer.Name, peer));
    }
}
