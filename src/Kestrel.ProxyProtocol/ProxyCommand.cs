namespace Kestrel.ProxyProtocol;

/// <summary>The command of a header (section 2.2). Version 1 has no command; its headers count as <see cref="Proxy"/>.</summary>
public enum ProxyCommand
{
    /// <summary>The proxy's own connection, such as a health check: the connection's real end points apply.</summary>
    Local,

    /// <summary>A connection that the proxy relays for a client.</summary>
    Proxy,
}
