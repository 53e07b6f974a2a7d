using System.Net;
using EchoHost.Transport;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace EchoHost.Endpoints;

/// <summary>The addresses that the host is bound to, known once it has started; with port 0 the system picks the port.</summary>
internal sealed class BoundEndpoints
{
    private readonly List<(ListenEndpoint Endpoint, ListenOptions Listen)> _echo = [];
    private readonly List<(HttpAddress Address, ListenOptions Listen)> _http = [];

    public ListenOptions Add(ListenEndpoint endpoint, ListenOptions listen)
    {
        _echo.Add((endpoint, listen));
        return listen;
    }

    public ListenOptions Add(HttpAddress address, ListenOptions listen)
    {
        _http.Add((address, listen));
        return listen;
    }

    /// <summary>The end points that an echo endpoint is bound to.</summary>
    public IEnumerable<EndPoint> Of(ListenEndpoint endpoint) => _echo.Where(e => e.Endpoint == endpoint).Select(e => e.Listen.EndPoint);

    /// <summary>The HTTP URLs as configured, with the port that was bound.</summary>
    public IEnumerable<string> HttpUrls => _http.Select(h => $"http://{h.Address.Host}:{(h.Address.Port == 0 ? h.Listen.IPEndPoint!.Port : h.Address.Port)}");

    /// <summary>The end point by which a client on this machine reaches the listener on <paramref name="bound"/>.</summary>
    public static EndPoint Reachable(EndPoint bound) => bound is not IPEndPoint ip ? bound
        : ip.Address.Equals(IPAddress.IPv6Any) && !Loopback.HasIPv4 ? new IPEndPoint(IPAddress.IPv6Loopback, ip.Port)
        : ip.Address.Equals(IPAddress.Any) || ip.Address.Equals(IPAddress.IPv6Any) ? new IPEndPoint(IPAddress.Loopback, ip.Port)
        : ip;
}
