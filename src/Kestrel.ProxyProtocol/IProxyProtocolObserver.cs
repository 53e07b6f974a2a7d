using Microsoft.AspNetCore.Connections;

namespace Kestrel.ProxyProtocol;

/// <summary>
/// Observes the result for each connection, for counters and logs. Connections call it concurrently. A call delays its own
/// connection, and an exception ends that connection.
/// </summary>
public interface IProxyProtocolObserver
{
    /// <summary>A header was read. The connection already has the feature, and its <c>RemoteEndPoint</c> is the client.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="header">The content of the header.</param>
    void HeaderRead(ConnectionContext connection, IProxyProtocolFeature header)
    {
    }

    /// <summary>The connection continues without a header, as <see cref="ProxyHeaderMode.Optional"/> allows.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="isTrusted">Whether it comes from a trusted proxy, which may send a header.</param>
    void HeaderAbsent(ConnectionContext connection, bool isTrusted)
    {
    }

    /// <summary>The connection is rejected: it is aborted after this call.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="rejection">The reason.</param>
    void Rejected(ConnectionContext connection, ProxyRejection rejection)
    {
    }
}
