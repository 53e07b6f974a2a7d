namespace EchoHost.Peers.Mesh;

/// <summary>What the mesh was told, parsed and checked.</summary>
/// <param name="Targets">The peers that are named one by one.</param>
/// <param name="Names">The names of which every address is a peer.</param>
/// <param name="Interval">How often each peer is probed, and each name resolved.</param>
/// <param name="Timeout">How long a probe may take.</param>
/// <param name="PayloadBytes">How long a probe's message is.</param>
internal sealed record MeshSettings(IReadOnlyList<PeerTarget> Targets, IReadOnlyList<PeerTarget> Names, TimeSpan Interval, TimeSpan Timeout, int PayloadBytes)
{
    /// <summary>How many probes are under way at the most; should it be reached, probes come later.</summary>
    public const int MaxProbes = 256;

    /// <summary>How many of them are of peers that are down, which may take long: the others need not wait for them.</summary>
    public const int MaxProbesOfDown = MaxProbes * 3 / 4;

    /// <summary>Whether no peers are configured.</summary>
    public bool IsEmpty => Targets.Count == 0 && Names.Count == 0;

    /// <summary>How many file descriptors that takes at the most.</summary>
    public int MaxDescriptors => IsEmpty ? 0 : Names.Count > 0 ? MaxProbes : Math.Min(Targets.Count, MaxProbes);

    /// <summary>Parses the options; what is wrong is added to <paramref name="problems"/>.</summary>
    public static MeshSettings From(PeersOptions options, List<string> problems) =>
        new(Parse("Targets", options.Targets, problems), Parse("Dns", options.Dns, problems), options.Interval, options.Timeout, options.PayloadBytes);

    private static List<PeerTarget> Parse(string key, string[] texts, List<string> problems)
    {
        List<PeerTarget> targets = [];
        for (var i = 0; i < texts.Length; i++)
        {
            if (!PeerTarget.TryParse(texts[i], out var target, out var problem))
            {
                problems.Add($"{PeersOptions.SectionName}:{key}:{i} is '{texts[i]}': {problem}");
            }
            else if (targets.Exists(t => t.Name == target!.Name))
            {
                problems.Add($"{PeersOptions.SectionName}:{key}:{i} is '{texts[i]}', which is there already");
            }
            else
            {
                targets.Add(target!);
            }
        }

        return targets;
    }
}
