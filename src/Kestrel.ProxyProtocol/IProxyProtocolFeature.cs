using System.Net;
using System.Net.Sockets;

namespace Kestrel.ProxyProtocol;

/// <summary>
/// What a PROXY header said of a connection: a feature of the connection once its header was read. An HTTP request has
/// it too (<c>HttpContext.Features.Get&lt;IProxyProtocolFeature&gt;()</c>).
/// </summary>
public interface IProxyProtocolFeature
{
    /// <summary>The header's version, 1 or 2.</summary>
    int Version { get; }

    /// <summary>Whether the proxy relays the connection, or made it for itself.</summary>
    ProxyCommand Command { get; }

    /// <summary>The family that the header names; see <see cref="ProxyHeader.AddressFamily"/>.</summary>
    AddressFamily AddressFamily { get; }

    /// <summary>Stream or datagram, as the header says; see <see cref="ProxyHeader.SocketType"/>.</summary>
    SocketType SocketType { get; }

    /// <summary>The client, which is now the connection's <c>RemoteEndPoint</c>; null where the header names none.</summary>
    IPEndPoint? Source { get; }

    /// <summary>
    /// What the client connected to; null where the header does not say. The connection's <c>LocalEndPoint</c> stays what
    /// the proxy connected to.
    /// </summary>
    IPEndPoint? Destination { get; }

    /// <summary>The other end of the connection itself: the proxy.</summary>
    EndPoint? ProxyEndPoint { get; }

    /// <summary>Version 2's type-length-values, checked; <see cref="ProxyTlvReader"/> reads them.</summary>
    ReadOnlyMemory<byte> Tlvs { get; }
}
