namespace Kestrel.ProxyProtocol;

/// <summary>Who a connection is for (section 2.2). Version 1 knows no command; its headers are <see cref="Proxy"/>.</summary>
public enum ProxyCommand
{
    /// <summary>The proxy's own connection, such as its health check: the connection's real end points count.</summary>
    Local,

    /// <summary>A connection that the proxy relays for a client.</summary>
    Proxy,
}
