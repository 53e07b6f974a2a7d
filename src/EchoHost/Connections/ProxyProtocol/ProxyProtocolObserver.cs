using System.Net.Sockets;
using EchoHost.Connections.Admission;
using EchoHost.Lifetime;
using EchoHost.Metrics;
using Kestrel.ProxyProtocol;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>Counts an endpoint's headers, and rejects connections whose header is missing or wrong.</summary>
internal sealed class ProxyProtocolObserver(EndpointMetrics metrics, Rejections rejections, DrainState drain) : IProxyProtocolObserver
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
            // Without a drain, the connection has lost its place to another, and is counted already.
            if (drain.IsDraining)
            {
                rejections.Reject(connection, metrics, RejectReason.Draining, "draining");
            }

            return;
        }

        var result = ResultOf(rejection.Reason);
        metrics.ProxyHeader(rejection.Version, result);
        // An untrusted client is rejected before its bytes are read, so it is not known to be silent.
        var isSilent = rejection.BytesReceived == 0 && rejection.Reason != ProxyRejectionReason.Untrusted;
        if (isSilent && rejection.Reason == ProxyRejectionReason.Missing)
        {
            rejections.LogLeft(connection, RejectReason.Proxy, result.Label(), rejection.Message);
        }
        else
        {
            rejections.Count(connection, metrics, RejectReason.Proxy, rejection.Message, mayBeProbe: isSilent, detail: result.Label());
        }
    }

    /// <summary>The result to count for a connection that is rejected because of its header.</summary>
    private static ProxyResult ResultOf(ProxyRejectionReason reason) => reason switch
    {
        ProxyRejectionReason.Missing => ProxyResult.Missing,
        ProxyRejectionReason.Untrusted => ProxyResult.Untrusted,
        ProxyRejectionReason.Malformed => ProxyResult.Malformed,
        ProxyRejectionReason.Timeout => ProxyResult.Timeout,
        ProxyRejectionReason.ChecksumMismatch => ProxyResult.Checksum,
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "not a header's result"),
    };
}
