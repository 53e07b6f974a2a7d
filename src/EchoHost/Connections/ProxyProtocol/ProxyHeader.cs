using System.Net;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>What came of the bytes that a connection began with.</summary>
internal enum ProxyParseStatus
{
    /// <summary>A whole, valid header.</summary>
    Ok,

    /// <summary>So far it may become one.</summary>
    NeedMore,

    /// <summary>The bytes begin neither version: no header was sent.</summary>
    Missing,

    /// <summary>It began as a header and broke the rules.</summary>
    Malformed,

    /// <summary>A valid header whose CRC32C is not that of its bytes.</summary>
    ChecksumMismatch,
}

/// <summary>
/// A PROXY protocol header, versions 1 and 2 (HAProxy's proxy-protocol.txt), as it lies in the bytes that were read:
/// nothing is copied or allocated until somebody asks for an address.
/// </summary>
internal readonly ref struct ProxyHeader
{
    /// <summary>1 or 2.</summary>
    public required byte Version { get; init; }

    /// <summary>How many bytes the header has; what follows is payload.</summary>
    public required int Length { get; init; }

    /// <summary>
    /// Whether the header gives addresses; where it does not (LOCAL, UNKNOWN, UNSPEC, Unix sockets), the connection's
    /// own end points stay.
    /// </summary>
    public bool HasAddresses { get; init; }

    /// <summary>Whether the proxy speaks for itself: its health check (v2 LOCAL), or a connection it knows nothing of (v1 UNKNOWN, v2 UNSPEC).</summary>
    public bool IsLocal { get; init; }

    /// <summary>The client's address: 4 or 16 bytes, in network order.</summary>
    public ProxyAddress Source { get; init; }

    /// <summary>The address that the client connected to.</summary>
    public ProxyAddress Destination { get; init; }

    /// <summary>Version 2's type-length-values, already checked.</summary>
    public ReadOnlySpan<byte> Tlvs { get; init; }
}

/// <summary>An address and port without an object for either.</summary>
internal readonly record struct ProxyAddress(UInt128 Address, bool IsIPv6, ushort Port)
{
    public IPEndPoint ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, Address);
        return new IPEndPoint(new IPAddress(IsIPv6 ? bytes : bytes[12..]), Port);
    }
}
