using EchoHost.Configuration;

namespace EchoHost.Connections.Admission;

/// <summary>How many connections are let in; keys of the section <c>Echo:Limits</c>.</summary>
internal sealed record AdmissionOptions
{
    /// <summary>How many connections all raw endpoints together hold.</summary>
    /// <remarks>Default: what the descriptor limit allows, less a reserve.</remarks>
    public int? MaxConnections { get; init; }

    /// <summary>How many connections one address may hold.</summary>
    /// <remarks>Default: no limit.</remarks>
    public int? MaxConnectionsPerAddress { get; init; }

    public static AdmissionOptions Read(SectionReader section) => new()
    {
        MaxConnections = section.OptionalNumber(nameof(MaxConnections), min: 1),
        MaxConnectionsPerAddress = section.OptionalNumber(nameof(MaxConnectionsPerAddress), min: 1),
    };
}
