using EchoHost.Configuration;
using EchoHost.Connections.Admission;
using EchoHost.Lifetime;
using EchoHost.Metrics;
using EchoHost.Text;
using Kestrel.ProxyProtocol;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.ProxyProtocol;

internal static class ProxyProtocolExtensions
{
    /// <summary>Reads PROXY headers (HAProxy's proxy-protocol.txt) from trusted proxies. Must come before TLS.</summary>
    /// <param name="builder">The chain.</param>
    /// <param name="mode">Whether a header is allowed or required.</param>
    /// <param name="endpoint">The endpoint's name.</param>
    /// <param name="isUnix">
    /// Whether the endpoint is a Unix socket, where the file's permissions decide which processes may connect.
    /// </param>
    public static IConnectionBuilder UseProxyProtocol(this IConnectionBuilder builder, ProxyProtocolMode mode, string endpoint, bool isUnix = false)
    {
        if (mode == ProxyProtocolMode.Off)
        {
            return builder;
        }

        var services = builder.ApplicationServices;
        var options = services.GetRequiredService<ProxyHeaderOptions>();
        var drain = services.GetRequiredService<DrainState>();
        var metrics = services.GetRequiredService<EchoMetrics>().For(endpoint);
        var isHttp = endpoint == EchoMetrics.HttpEndpoint;
        return builder.UseProxyProtocol(new ProxyProtocolOptions
        {
            Mode = mode == ProxyProtocolMode.Required ? ProxyHeaderMode.Required : ProxyHeaderMode.Optional,
            IsTrustedProxy = connection => IsTrusted(connection, options.TrustedProxies, isUnix),
            HeaderTimeout = options.ProxyHeaderTimeout,
            // An optional header starts with the first byte; until then a client of a raw endpoint is idle. HTTP has no
            // idle clients.
            FirstByteTimeout = mode == ProxyProtocolMode.Required ? null : isHttp ? options.ProxyHeaderTimeout : options.IdleTimeout,
            // HTTP answers throughout the drain, also to clients behind a proxy.
            Stopping = isHttp ? drain.HttpDeadline : drain.Rejecting,
            Observer = new ProxyProtocolObserver(metrics, services.GetRequiredService<Rejections>(), drain),
            TimeProvider = services.GetRequiredService<TimeProvider>(),
        });
    }

    /// <summary>A client without an address is trusted on a Unix socket only.</summary>
    internal static bool IsTrusted(ConnectionContext connection, NetworkSet proxies, bool isUnix) =>
        ClientAddress.Of(connection.RemoteEndPoint) is { } address ? proxies.Contains(address) : isUnix;
}
