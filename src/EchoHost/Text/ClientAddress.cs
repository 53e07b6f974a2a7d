using System.Net;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Text;

/// <summary>How the other end of a connection is written.</summary>
internal static class ClientAddress
{
    /// <summary>
    /// <c>127.0.0.1:55028</c>, <c>[2001:db8::1]:55028</c>; an IPv4-mapped address is written as IPv4, the nameless other end
    /// of a Unix socket as <c>unix:</c> and the connection's id.
    /// </summary>
    public static string Format(ConnectionContext connection) => Format(connection.RemoteEndPoint, connection);

    /// <summary>The same for another end point than the client's own, such as its proxy's.</summary>
    public static string Format(EndPoint? endPoint, ConnectionContext connection) =>
        endPoint is IPEndPoint ip ? Format(ip) : $"unix:{connection.ConnectionId}";

    /// <summary>The same for an end point that is no Unix socket.</summary>
    public static string Format(IPEndPoint endPoint) => Unmap(endPoint).ToString();

    /// <summary>The address without port, IPv4 where it is mapped; null for a Unix socket.</summary>
    public static IPAddress? Of(EndPoint? endPoint) => endPoint is IPEndPoint ip ? Unmap(ip).Address : null;

    private static IPEndPoint Unmap(IPEndPoint ip) =>
        ip.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(ip.Address.MapToIPv4(), ip.Port) : ip;
}
