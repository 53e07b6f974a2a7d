using System.Net.Sockets;

namespace Kestrel.ProxyProtocol;

/// <summary>
/// A header of version 1 or 2 as it lies in the bytes that it was parsed from: nothing is copied, and nothing is allocated
/// before an address is asked for.
/// </summary>
public readonly ref struct ProxyHeader
{
    /// <summary>1 or 2.</summary>
    public required byte Version { get; init; }

    /// <summary>How many bytes the header has, its values included; what follows is payload.</summary>
    public required int Length { get; init; }

    /// <summary>Whether the proxy relays the connection, or made it for itself.</summary>
    public required ProxyCommand Command { get; init; }

    /// <summary>
    /// The family that the header names: IPv4, IPv6, Unix, or <see cref="AddressFamily.Unspecified"/> for a connection of
    /// which the proxy knows nothing (version 1's UNKNOWN, version 2's UNSPEC), and for <see cref="ProxyCommand.Local"/>.
    /// </summary>
    public AddressFamily AddressFamily { get; init; }

    /// <summary>Stream or datagram as the header says; version 1 is always a stream. Unknown where it says neither.</summary>
    public SocketType SocketType { get; init; } = SocketType.Unknown;

    /// <summary>
    /// Whether the header gives <see cref="Source"/> and <see cref="Destination"/>: a family of IP, and a stream or datagrams.
    /// Where it does not, the connection's own end points stay.
    /// </summary>
    public bool HasAddresses => AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 && SocketType != SocketType.Unknown;

    /// <summary>The client's address and port.</summary>
    public ProxyAddress Source { get; init; }

    /// <summary>
    /// The address and port that the client connected to. In version 1 it may be of the other family: nginx's stream module
    /// writes its own address there.
    /// </summary>
    public ProxyAddress Destination { get; init; }

    /// <summary>Version 2's type-length-values, already checked; <see cref="ProxyTlvReader"/> reads them.</summary>
    public ReadOnlySpan<byte> Tlvs { get; init; }

    /// <summary>For object initializers.</summary>
    public ProxyHeader()
    {
    }
}
