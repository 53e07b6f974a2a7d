using EchoHost.Configuration;

namespace EchoHost.Peers.Mesh;

/// <summary>The section <c>Peers</c>: the mesh, which probes other peers all the time.</summary>
internal sealed class PeersOptions
{
    public const string SectionName = "Peers";

    private const int MaxPayloadBytes = 1024 * 1024;

    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Peers as <c>HOST:PORT</c> or <c>tls://HOST:PORT</c>.</summary>
    /// <remarks>Default: none.</remarks>
    public string[] Targets { get; set; } = [];

    /// <summary>Names, written in the same way, each of whose addresses is a peer.</summary>
    /// <remarks>Default: none.</remarks>
    public string[] Dns { get; set; } = [];

    /// <summary>How often each peer is probed, and each name resolved.</summary>
    /// <remarks>Default: 10 seconds.</remarks>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a probe may take, from resolving the name to the last byte back.</summary>
    /// <remarks>Default: 5 seconds.</remarks>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the message of a probe is, in bytes.</summary>
    /// <remarks>Default: 64.</remarks>
    public int PayloadBytes { get; set; } = 64;

    /// <summary>Reads the section.</summary>
    public static PeersOptions Read(SectionReader section)
    {
        var fallback = new PeersOptions();
        return new PeersOptions
        {
            Targets = section.List(nameof(Targets)),
            Dns = section.List(nameof(Dns)),
            Interval = section.Time(nameof(Interval), fallback.Interval, min: MinInterval),
            Timeout = section.Time(nameof(Timeout), fallback.Timeout, min: TimeSpan.FromMilliseconds(1)),
            PayloadBytes = section.Number(nameof(PayloadBytes), fallback.PayloadBytes, min: UniquePayload.MinBytes, max: MaxPayloadBytes),
        };
    }
}
