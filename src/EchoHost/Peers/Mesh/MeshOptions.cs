using System.Net;
using EchoHost.Configuration;

namespace EchoHost.Peers.Mesh;

/// <summary>The section <c>Peers</c>: the mesh, which probes other peers continuously.</summary>
internal sealed record MeshOptions
{
    public const string SectionName = "Peers";

    /// <summary>The maximum number of peers that are asked for their <c>/peers</c> at once.</summary>
    public const int MaxFleetCalls = 16;

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

    /// <summary>
    /// How many of the peers of each name of <see cref="Names"/> this host probes, of each address family; null for all.
    /// </summary>
    /// <remarks>Default: all.</remarks>
    public int? Fanout { get; init; }

    /// <summary>The port of the peers' HTTP endpoints; null if there is no view of the fleet.</summary>
    /// <remarks>Default: none.</remarks>
    public int? HttpPort { get; init; }

    /// <summary>Whether no peers are configured.</summary>
    public bool IsEmpty => Targets.Count == 0 && Names.Count == 0;

    /// <summary>The maximum number of file descriptors that the mesh uses.</summary>
    public int MaxDescriptors => IsEmpty ? 0 : MaxProbes + (HttpPort is null ? 0 : MaxFleetCalls);

    private int MaxProbes => Names.Count > 0 ? ProbeSchedule.MaxProbes : Math.Min(Targets.Count, ProbeSchedule.MaxProbes);

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
            Fanout = section.OptionalNumber(nameof(Fanout), min: 1),
            HttpPort = section.OptionalNumber(nameof(HttpPort), min: 1, max: IPEndPoint.MaxPort),
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
