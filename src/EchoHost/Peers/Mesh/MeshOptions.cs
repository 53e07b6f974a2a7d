using EchoHost.Configuration;

namespace EchoHost.Peers.Mesh;

/// <summary>The section <c>Peers</c>: the mesh, which probes other peers continuously.</summary>
internal sealed record MeshOptions
{
    public const string SectionName = "Peers";

    private const int MaxPayloadBytes = 1024 * 1024;

    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Peers, written as <c>HOST:PORT</c> or <c>tls://HOST:PORT</c>.</summary>
    /// <remarks>Default: none.</remarks>
    public IReadOnlyList<PeerTarget> Targets { get; init; } = [];

    /// <summary>Names, written in the same way. Each address of a name is a peer.</summary>
    /// <remarks>Default: none.</remarks>
    public IReadOnlyList<PeerTarget> Names { get; init; } = [];

    /// <summary>How often each peer is probed, and each name resolved.</summary>
    /// <remarks>Default: 10 seconds.</remarks>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a probe may take, from resolving the name to the last byte back.</summary>
    /// <remarks>Default: 5 seconds.</remarks>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The length of a probe's message in bytes.</summary>
    /// <remarks>Default: 64.</remarks>
    public int PayloadBytes { get; init; } = 64;

    /// <summary>Whether no peers are configured.</summary>
    public bool IsEmpty => Targets.Count == 0 && Names.Count == 0;

    /// <summary>The maximum number of file descriptors that the mesh uses.</summary>
    public int MaxDescriptors => IsEmpty ? 0 : Names.Count > 0 ? ProbeSchedule.MaxProbes : Math.Min(Targets.Count, ProbeSchedule.MaxProbes);

    public static MeshOptions Read(SectionReader section)
    {
        var fallback = new MeshOptions();
        return new MeshOptions
        {
            Targets = ReadTargets(section, nameof(Targets)),
            Names = ReadTargets(section, "Dns"),
            Interval = section.Time(nameof(Interval), fallback.Interval, min: MinInterval),
            Timeout = section.Time(nameof(Timeout), fallback.Timeout, min: TimeSpan.FromMilliseconds(1)),
            PayloadBytes = section.Number(nameof(PayloadBytes), fallback.PayloadBytes, min: UniquePayload.MinBytes, max: MaxPayloadBytes),
        };
    }

    private static List<PeerTarget> ReadTargets(SectionReader section, string key)
    {
        List<PeerTarget> targets = [];
        var texts = section.List(key);
        for (var i = 0; i < texts.Length; i++)
        {
            if (!PeerTarget.TryParse(texts[i], out var target, out var problem))
            {
                section.Report($"{key}:{i}", $"is '{texts[i]}': {problem}");
            }
            else if (targets.Exists(other => other.Name == target!.Name))
            {
                section.Report($"{key}:{i}", $"is '{texts[i]}', which is there already");
            }
            else
            {
                targets.Add(target!);
            }
        }

        return targets;
    }
}
