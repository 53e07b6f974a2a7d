using System.Net;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Text;

/// <summary>Formats the address of a connection's remote end.</summary>
internal static class ClientAddress
{
    /// <summary>
    /// Formats the client's address: <c>127.0.0.1:55028</c>, <c>[2001:db8::1]:55028</c>, an IPv4-mapped address as IPv4.
    /// The client of a Unix socket has no name; it is written as <c>unix:</c> and the connection's id.
    /// </summary>
    public static string Format(ConnectionContext connection) => Format(connection.RemoteEndPoint, connection.ConnectionId);

    /// <summary>Formats another end point of the connection in the same way, such as its proxy's.</summary>
    /// <param name="endPoint">The end point.</param>
    /// <param name="connectionId">The connection's id, for a Unix socket.</param>
    public static string Format(EndPoint? endPoint, string connectionId) => endPoint is IPEndPoint ip ? Format(ip) : $"unix:{connectionId}";

    /// <summary>Formats an IP end point in the same way.</summary>
    public static string Format(IPEndPoint endPoint) => Unmap(endPoint).ToString();

    /// <summary>The address without the port, IPv4 if it is mapped; null for a Unix socket.</summary>
    public static IPAddress? Of(EndPoint? endPoint) => endPoint is IPEndPoint ip ? Unmap(ip).Address : null;

    private static IPEndPoint Unmap(IPEndPoint ip) =>
        ip.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(ip.Address.MapToIPv4(), ip.Port) : ip;
}
