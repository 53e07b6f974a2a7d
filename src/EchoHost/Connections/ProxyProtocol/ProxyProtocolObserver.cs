using System.Net.Sockets;
using EchoHost.Connections.Admission;
using EchoHost.Hosting;
using EchoHost.Metrics;
using Kestrel.ProxyProtocol;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>Counts what comes of an endpoint's headers, and tells of the connections that are turned away.</summary>
internal sealed class ProxyProtocolObserver(EndpointMetrics metrics, HostSettings settings, Rejections rejections) : IProxyProtocolObserver
{
    public void HeaderRead(ConnectionContext connection, IProxyProtocolFeature header)
    {
        var isLocal = header.Command == ProxyCommand.Local || header.AddressFamily == AddressFamily.Unspecified;
        metrics.ProxyHeader(header.Version, isLocal ? ProxyResult.Local : ProxyResult.Ok);
    }

    public void Rejected(ConnectionContext connection, ProxyRejection rejection)
    {
        if (rejection.Reason is ProxyRejectionReason.Stopping or ProxyRejectionReason.Aborted)
        {
            rejections.TurnAway(connection, metrics, RejectReason.Draining, "draining");
            return;
        }

        var result = ProxyResults.Of(rejection.Reason);
        metrics.ProxyHeader(rejection.Version, result);
        // An untrusted client is turned away unheard, and may have had much to say.
        var isSilent = rejection.BytesReceived == 0 && rejection.Reason != ProxyRejectionReason.Untrusted;
        var isQuiet = isSilent && settings.IsQuiet(connection.RemoteEndPoint);
        var key = ("proxy", result.Label());
        if (isSilent && rejection.Reason == ProxyRejectionReason.Missing)
        {
            // A client that left before saying anything was not turned away.
            rejections.Tell(key, connection, rejection.Message, isQuiet);
        }
        else
        {
            rejections.Count(connection, metrics, RejectReason.Proxy, key, rejection.Message, isQuiet);
        }
    }
}
