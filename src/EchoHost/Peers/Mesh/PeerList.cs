using System.Collections.Concurrent;

namespace EchoHost.Peers.Mesh;

/// <summary>The current peers, by name.</summary>
internal sealed class PeerList
{
    private readonly ConcurrentDictionary<string, Peer> _peers = new(StringComparer.OrdinalIgnoreCase);

    public int Count => _peers.Count;

    /// <summary>All peers, in no particular order.</summary>
    public IEnumerable<Peer> All() => _peers.Select(peer => peer.Value);

    /// <summary>The peer with a name, which may have a <c>tls://</c> before it; null if there is none.</summary>
    public Peer? Find(string name) =>
        _peers.GetValueOrDefault(name) ?? (PeerTarget.TryParse(name, out var target, out _) ? _peers.GetValueOrDefault(target!.Name) : null);

    public void Add(Peer peer) => _peers[peer.Name] = peer;

    public void Remove(Peer peer)
    {
        peer.Forget();
        _peers.TryRemove(KeyValuePair.Create(peer.Name, peer));
    }
}
