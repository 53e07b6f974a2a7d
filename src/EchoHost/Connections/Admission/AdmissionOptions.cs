using EchoHost.Configuration;

namespace EchoHost.Connections.Admission;

/// <summary>How many connections are admitted; keys of the section <c>Echo:Limits</c>.</summary>
internal sealed record AdmissionOptions
{
    /// <summary>The maximum number of connections of all raw endpoints together.</summary>
    /// <remarks>Default: what the descriptor limit allows, less a reserve.</remarks>
    public int? MaxConnections { get; init; }

    /// <summary>The maximum number of connections of one address.</summary>
    /// <remarks>Default: no limit.</remarks>
    public int? MaxConnectionsPerAddress { get; init; }

    public static AdmissionOptions Read(SectionReader section) => new()
    {
        MaxConnections = section.OptionalNumber(nameof(MaxConnections), min: 1),
        MaxConnectionsPerAddress = section.OptionalNumber(nameof(MaxConnectionsPerAddress), min: 1),
    };
}
