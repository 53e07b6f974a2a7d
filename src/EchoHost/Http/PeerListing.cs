using System.Buffers;
using System.Text.Json;
using EchoHost.Identity;
using EchoHost.Peers.Mesh;

namespace EchoHost.Http;

/// <summary>Creates the answers of <c>GET /peers</c>. They are costly: each sorts up to a thousand round trips per peer.</summary>
internal sealed class PeerListing(PeerList peers, Instance instance) : IDisposable
{
    public const string ContentType = "application/json; charset=utf-8";

    private const double Share = 1 / 20.0;

    private readonly CostlyAnswers<string> _answers = new(TimeSpan.Zero, Share, TimeProvider.System);

    /// <summary>The current peers as JSON; null if there are too many requests.</summary>
    public ValueTask<ReadOnlySequence<byte>?> GetAsync(CancellationToken cancellationToken) => _answers.GetAsync("", Make, cancellationToken);

    public void Dispose() => _answers.Dispose();

    private ValueTask<ReadOnlySequence<byte>> Make(string all)
    {
        var described = peers.All().OrderBy(peer => peer.Name, StringComparer.Ordinal).Select(peer => peer.Describe());
        var list = new PeerDescriptions(instance.Name, instance.Labels, described);
        return new(new ReadOnlySequence<byte>(JsonSerializer.SerializeToUtf8Bytes(list, PeersJson.Default.PeerDescriptions)));
    }
}

/// <summary>The answer of <c>GET /peers</c>.</summary>
/// <param name="Instance">The host's name.</param>
/// <param name="Labels">The host's labels.</param>
/// <param name="Peers">The peers that it probes.</param>
internal sealed record PeerDescriptions(string Instance, IReadOnlyDictionary<string, string> Labels, IEnumerable<PeerDescription> Peers);
