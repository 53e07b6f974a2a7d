using EchoHost.Peers.Mesh;

namespace EchoHost.Http.Live;

/// <summary>Finds what changed about the peers since the last look. Not safe for several threads.</summary>
internal sealed class PeerChanges(PeerList peers, MeshOptions options)
{
    /// <summary>The number of probes of each peer at the last look.</summary>
    private Dictionary<Peer, long> _seen = [];

    /// <summary>All peers, whole.</summary>
    public PeersEvent All() => new(
        All: true,
        Interval,
        ProbeStrip.ColumnProbes,
        [.. peers.All().OrderBy(peer => peer.Name, StringComparer.Ordinal).Select(peer => peer.Describe(seen: 0))],
        Gone: []);

    /// <summary>What changed since the last call; null if nothing did.</summary>
    public PeersEvent? Changes()
    {
        var (before, changed) = (_seen, new List<PeerDescription>());
        _seen = new Dictionary<Peer, long>(before.Count);
        foreach (var peer in peers.All())
        {
            var isKnown = before.Remove(peer, out var seen);
            var probes = peer.Probes;
            _seen[peer] = probes;
            if (!isKnown || probes != seen)
            {
                changed.Add(peer.Describe(seen));
            }
        }

        // A peer that came back under the same name is another one, and not gone.
        string[] gone = [.. before.Keys.Select(peer => peer.Name).Where(name => peers.Find(name) is null)];
        return changed.Count == 0 && gone.Length == 0 ? null : new PeersEvent(All: false, Interval, ProbeStrip.ColumnProbes, changed, gone);
    }

    private double Interval => options.Interval.TotalSeconds;
}
