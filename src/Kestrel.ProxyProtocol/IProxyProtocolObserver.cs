using Microsoft.AspNetCore.Connections;

namespace Kestrel.ProxyProtocol;

/// <summary>
/// Is told what came of each connection's header, to count it and to log it. Calls come from many connections at once; they
/// hold up their own connection, and what they throw ends it.
/// </summary>
public interface IProxyProtocolObserver
{
    /// <summary>A header was read. The connection has the feature already, and its <c>RemoteEndPoint</c> is the client.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="header">What the header said.</param>
    void HeaderRead(ConnectionContext connection, IProxyProtocolFeature header)
    {
    }

    /// <summary>The connection goes on without a header, as <see cref="ProxyHeaderMode.Optional"/> allows.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="isTrusted">Whether it comes from a trusted proxy, which could have sent one.</param>
    void HeaderAbsent(ConnectionContext connection, bool isTrusted)
    {
    }

    /// <summary>The connection is turned away: it is aborted after this call.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="rejection">Why.</param>
    void Rejected(ConnectionContext connection, ProxyRejection rejection)
    {
    }
}
