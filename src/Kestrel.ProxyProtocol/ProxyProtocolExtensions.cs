using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kestrel.ProxyProtocol;

/// <summary>Adds the PROXY protocol to a listener.</summary>
public static class ProxyProtocolExtensions
{
    /// <summary>
    /// Reads the PROXY header at the start of each connection. After that, the connection's <c>RemoteEndPoint</c> is the
    /// client, and the header is a feature of the connection (<see cref="IProxyProtocolFeature"/>). Must come before any
    /// middleware that reads from the connection, such as <c>UseHttps</c>. QUIC, and so HTTP/3, has no such header.
    /// </summary>
    /// <param name="listen">The listener.</param>
    /// <param name="options">Which headers to expect, and from which proxies.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static ListenOptions UseProxyProtocol(this ListenOptions listen, ProxyProtocolOptions options)
    {
        ((IConnectionBuilder)listen).UseProxyProtocol(options);
        return listen;
    }

    /// <inheritdoc cref="UseProxyProtocol(ListenOptions, ProxyProtocolOptions)"/>
    /// <param name="builder">The listener's chain.</param>
    /// <param name="options">Which headers to expect, and from which proxies.</param>
    public static IConnectionBuilder UseProxyProtocol(this IConnectionBuilder builder, ProxyProtocolOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return builder.Use(next => new ProxyProtocolMiddleware(next, options).OnConnectionAsync);
    }
}
