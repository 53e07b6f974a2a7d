using System.Net;
using System.Net.Sockets;

namespace Kestrel.ProxyProtocol;

/// <summary>
/// What a PROXY header says about a connection. It is a feature of the connection once the header has been read, and of its HTTP
/// requests (<c>HttpContext.Features.Get&lt;IProxyProtocolFeature&gt;()</c>).
/// </summary>
public interface IProxyProtocolFeature
{
    /// <summary>The header's version, 1 or 2.</summary>
    int Version { get; }

    /// <summary>Whether the proxy relays the connection for a client or opened it for itself.</summary>
    ProxyCommand Command { get; }

    /// <summary>The address family in the header; see <see cref="ProxyHeader.AddressFamily"/>.</summary>
    AddressFamily AddressFamily { get; }

    /// <summary>Stream or datagram, as in the header; see <see cref="ProxyHeader.SocketType"/>.</summary>
    SocketType SocketType { get; }

    /// <summary>The client, which is now the connection's <c>RemoteEndPoint</c>; null if the header has no address.</summary>
    IPEndPoint? Source { get; }

    /// <summary>
    /// The end point that the client connected to; null if the header has no address. The connection's <c>LocalEndPoint</c> is
    /// still the end point that the proxy connected to.
    /// </summary>
    IPEndPoint? Destination { get; }

    /// <summary>The remote end of the connection itself: the proxy.</summary>
    EndPoint? ProxyEndPoint { get; }

    /// <summary>Version 2's type-length-values, already validated; read them with <see cref="ProxyTlvReader"/>.</summary>
    ReadOnlyMemory<byte> Tlvs { get; }
}
