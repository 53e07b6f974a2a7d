using System.Net;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Text;

/// <summary>How a connection's other end is written.</summary>
internal static class PeerAddress
{
    /// <summary>
    /// <c>127.0.0.1:55028</c>, <c>[2001:db8::1]:55028</c>; an IPv4-mapped address is written as IPv4, a Unix socket's
    /// nameless other end as <c>unix:</c> and the connection's id.
    /// </summary>
    public static string Format(ConnectionContext connection) => Format(connection.RemoteEndPoint, connection);

    /// <summary>The same for an end point other than the peer's own, such as its proxy's.</summary>
    public static string Format(EndPoint? endPoint, ConnectionContext connection) =>
        endPoint is IPEndPoint ip ? Format(ip) : $"unix:{connection.ConnectionId}";

    /// <summary>The same for one that is no Unix socket.</summary>
    public static string Format(IPEndPoint endPoint) => Unmap(endPoint).ToString();

    /// <summary>The address without port, IPv4 where it is mapped; null for a Unix socket.</summary>
    public static IPAddress? Address(EndPoint? endPoint) => (endPoint as IPEndPoint) is { } ip ? Unmap(ip).Address : null;

    private static IPEndPoint Unmap(IPEndPoint ip) =>
        ip.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(ip.Address.MapToIPv4(), ip.Port) : ip;
}
