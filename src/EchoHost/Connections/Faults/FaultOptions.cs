using System.Globalization;
using System.Net;
using EchoHost.Configuration;

namespace EchoHost.Connections.Faults;

/// <summary>
/// The section <c>Faults</c> of a raw endpoint: what it does wrong on purpose. Also the body of <c>PUT /endpoints/{name}/faults</c>.
/// </summary>
internal sealed record FaultOptions
{
    public const string SectionName = "Faults";

    private static readonly TimeSpan MaxDelay = TimeSpan.FromHours(1);

    /// <summary>The share of the connections that get the faults, 0 to 1.</summary>
    /// <remarks>Default: 1.</remarks>
    public double Share { get; init; } = 1;

    /// <summary>The seed of the generator that decides; null for a different one each time.</summary>
    /// <remarks>Default: none.</remarks>
    public int? Seed { get; init; }

    /// <summary>The networks of the clients that get the faults; empty for clients from anywhere.</summary>
    /// <remarks>Default: empty.</remarks>
    public NetworkSet Networks { get; init; } = NetworkSet.Empty;

    /// <summary>How much later each message comes back; null for no delay.</summary>
    public TimeSpan? Delay { get; init; }

    /// <summary>How much earlier or later than <see cref="Delay"/> a message may come back; null for none.</summary>
    public TimeSpan? Jitter { get; init; }

    /// <summary>The rate of the echo of one connection; null for no limit.</summary>
    public int? BytesPerSecond { get; init; }

    /// <summary>The size of the segments in which the echo leaves; null for the kernel's choice.</summary>
    public int? SliceBytes { get; init; }

    /// <summary>After how many echoed bytes the host sends FIN; null for never.</summary>
    public long? CloseAfterBytes { get; init; }

    /// <summary>How long after the accept the host sends FIN; null for never.</summary>
    public TimeSpan? CloseAfter { get; init; }

    /// <summary>After how many echoed bytes the host sends RST; null for never.</summary>
    public long? ResetAfterBytes { get; init; }

    /// <summary>How long after the accept the host sends RST; null for never.</summary>
    public TimeSpan? ResetAfter { get; init; }

    /// <summary>Whether the host reads, and answers nothing.</summary>
    public bool Silent { get; init; }

    /// <summary>Whether the host never reads. Stronger than <see cref="Silent"/>.</summary>
    public bool Stalled { get; init; }

    /// <summary>In each so many bytes, one bit comes back wrong; null for none.</summary>
    public int? CorruptEvery { get; init; }

    /// <summary>The faults alone, without the selection of connections; empty if there are none.</summary>
    public IReadOnlyList<Fault> Faults => [.. Fault.Of(this)];

    public static FaultOptions Read(SectionReader section) => new()
    {
        Share = section.Share(nameof(Share), fallback: 1),
        Networks = section.Networks(nameof(Networks)),
        Seed = section.OptionalNumber(nameof(Seed)),
        Delay = section.OptionalTime(nameof(Delay), TimeSpan.FromMilliseconds(1), MaxDelay),
        Jitter = section.OptionalTime(nameof(Jitter), TimeSpan.FromMilliseconds(1), MaxDelay),
        BytesPerSecond = section.OptionalNumber(nameof(BytesPerSecond), min: 1),
        SliceBytes = section.OptionalNumber(nameof(SliceBytes), min: 1),
        CloseAfterBytes = section.OptionalNumber(nameof(CloseAfterBytes)),
        CloseAfter = section.OptionalTime(nameof(CloseAfter), TimeSpan.Zero),
        ResetAfterBytes = section.OptionalNumber(nameof(ResetAfterBytes)),
        ResetAfter = section.OptionalTime(nameof(ResetAfter), TimeSpan.Zero),
        Silent = section.Flag(nameof(Silent), fallback: false),
        Stalled = section.Flag(nameof(Stalled), fallback: false),
        CorruptEvery = section.OptionalNumber(nameof(CorruptEvery), min: 1),
    };

    /// <summary>Reads a section that may be empty; null if it is.</summary>
    public static FaultOptions? ReadOrNone(SectionReader section)
    {
        var options = Read(section);
        if (options.Faults.Count == 0 && (options.Share < 1 || !options.Networks.IsEmpty || options.Seed is not null))
        {
            section.Report("chooses connections, but names no fault");
        }

        return options.Faults.Count > 0 ? options : null;
    }

    /// <summary>Whether clients from this address get the faults, as far as networks go.</summary>
    /// <param name="address">The client's address; null for the client of a Unix socket, which is in no network.</param>
    public bool Concerns(IPAddress? address) => Networks.IsEmpty || (address is not null && Networks.Contains(address));

    /// <summary>The faults and the connections that get them, in words: <c>delay 200ms, reset after 1000 bytes, for a share of 0.25</c>.</summary>
    public override string ToString()
    {
        var faults = string.Join(", ", Faults.Select(fault => fault.Text));
        var share = Share < 1 ? string.Create(CultureInfo.InvariantCulture, $", for a share of {Share}") : "";
        var networks = Networks.IsEmpty ? "" : $", for clients from {string.Join(" ", Networks.Texts)}";
        return $"{faults}{share}{networks}";
    }
}
