using System.Net;
using System.Net.Sockets;
using EchoHost.Endpoints;
using EchoHost.Transport;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace EchoHost.Hosting;

/// <summary>Binds the listening sockets, and explains in the user's terms why one can't be bound.</summary>
internal static class ListenSockets
{
    /// <param name="endPoint">The end point to bind to.</param>
    /// <param name="raw">The raw endpoint that it belongs to; null for HTTP.</param>
    /// <param name="http">The HTTP addresses as configured.</param>
    /// <exception cref="EndpointUnavailableException">The address is in use or not available.</exception>
    public static Socket Bind(EndPoint endPoint, ListenEndpoint? raw, IReadOnlyList<HttpAddress> http)
    {
        try
        {
            // Kestrel's method does not set SO_REUSEPORT, so a port is never shared with another process.
            return endPoint is UnixDomainSocketEndPoint ? BindUnix(endPoint.ToString()!, raw!.Mode) : BindTcp(endPoint);
        }
        catch (SocketException e) when (!IsMissingLoopback(e, endPoint, raw))
        {
            var isInUse = e.SocketErrorCode == SocketError.AddressAlreadyInUse && !IsOtherFile(endPoint);
            throw new EndpointUnavailableException($"{raw?.Setting ?? HttpSetting(endPoint, http)}: {Explain(e, endPoint)}", isInUse);
        }
    }

    private static Socket BindTcp(EndPoint endPoint)
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
        // Urgent data, such as telnet's interrupt, stays in order among the other bytes (tcp(7)). Accepted sockets inherit this.
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, true);
        return socket;
    }

    private static UnixListenSocket BindUnix(string path, UnixFileMode mode)
    {
        UnixSocketFile.RemoveIfStale(path);
        var socket = new UnixListenSocket();
        try
        {
            socket.Bind(path, mode);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Explain(SocketException e, EndPoint endPoint) => (e.SocketErrorCode, endPoint) switch
    {
        (SocketError.AddressAlreadyInUse, IPEndPoint ip) => $"port {ip.Port} is in use",
        _ when IsOtherFile(endPoint) => "a file that is no socket is in the way",
        (SocketError.AddressAlreadyInUse, _) => "the path is in use",
        (SocketError.AddressNotAvailable, IPEndPoint ip) => $"this machine has no address {ip.Address}",
        (_, UnixDomainSocketEndPoint unix) when !Directory.Exists(Path.GetDirectoryName(unix.ToString())) => "the folder does not exist",
        (SocketError.AccessDenied, _) => "permission denied",
        _ => e.Message,
    };

    private static bool IsOtherFile(EndPoint endPoint) =>
        endPoint is UnixDomainSocketEndPoint && endPoint.ToString() is { } path && File.Exists(path) && !UnixSocketFile.IsSocket(path);

    /// <summary>
    /// Whether one loopback address of <c>localhost</c> is missing on this machine; Kestrel makes do with the other.
    /// </summary>
    private static bool IsMissingLoopback(SocketException e, EndPoint endPoint, ListenEndpoint? raw) =>
        raw is null
        && e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported
        && endPoint is IPEndPoint ip
        && IPAddress.IsLoopback(ip.Address);

    private static string HttpSetting(EndPoint endPoint, IReadOnlyList<HttpAddress> http)
    {
        var address = http.FirstOrDefault(address => address.IsAt(endPoint));
        return $"{HttpAddress.Key} is '{address?.Url ?? $"http://{endPoint}"}'";
    }
}
