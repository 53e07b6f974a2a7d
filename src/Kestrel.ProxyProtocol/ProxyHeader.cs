using System.Net.Sockets;

namespace Kestrel.ProxyProtocol;

/// <summary>
/// A header of version 1 or 2, as a view of the bytes that it was parsed from. It copies nothing, and allocates only when
/// an address is converted.
/// </summary>
public readonly ref struct ProxyHeader
{
    /// <summary>1 or 2.</summary>
    public required byte Version { get; init; }

    /// <summary>The length of the header in bytes, including its values; payload follows.</summary>
    public required int Length { get; init; }

    /// <summary>Whether the proxy relays the connection for a client or opened it for itself.</summary>
    public required ProxyCommand Command { get; init; }

    /// <summary>
    /// The address family in the header: IPv4, IPv6 or Unix. <see cref="AddressFamily.Unspecified"/> if the proxy does not
    /// know it (version 1's UNKNOWN, version 2's UNSPEC), and for <see cref="ProxyCommand.Local"/>.
    /// </summary>
    public AddressFamily AddressFamily { get; init; }

    /// <summary>Stream or datagram, as in the header; version 1 is always a stream. Unknown if the header says neither.</summary>
    public SocketType SocketType { get; init; } = SocketType.Unknown;

    /// <summary>
    /// Whether the header has <see cref="Source"/> and <see cref="Destination"/>: its family is IPv4 or IPv6, and it says
    /// stream or datagram. If not, the connection's own end points apply.
    /// </summary>
    public bool HasAddresses => AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 && SocketType != SocketType.Unknown;

    /// <summary>The client's address and port.</summary>
    public ProxyAddress Source { get; init; }

    /// <summary>
    /// The address and port that the client connected to. In version 1 it may be of the other family: nginx's stream module
    /// writes its own address there.
    /// </summary>
    public ProxyAddress Destination { get; init; }

    /// <summary>Version 2's type-length-values, already validated; read them with <see cref="ProxyTlvReader"/>.</summary>
    public ReadOnlySpan<byte> Tlvs { get; init; }

    /// <summary>For object initializers.</summary>
    public ProxyHeader()
    {
    }
}
