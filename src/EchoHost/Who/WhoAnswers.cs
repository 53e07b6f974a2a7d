using System.Net;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;
using EchoHost.Connections.Tracking;
using EchoHost.Identity;
using EchoHost.Metrics;
using EchoHost.Text;
using EchoHost.Transport;
using Kestrel.ProxyProtocol;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace EchoHost.Who;

/// <summary>Describes a connection to the client that made it.</summary>
internal sealed class WhoAnswers(Instance instance, TimeProvider time)
{
    /// <summary>Describes a connection as it is now.</summary>
    /// <param name="endpoint">The endpoint's name.</param>
    /// <param name="id">The connection's id.</param>
    /// <param name="client">The client's end point.</param>
    /// <param name="local">The host's end point.</param>
    /// <param name="features">The connection's features: PROXY, TLS, the socket.</param>
    public WhoAnswer For(string endpoint, string id, EndPoint? client, EndPoint? local, IFeatureCollection features)
    {
        var proxied = features.Get<IProxyProtocolFeature>() is { } header ? ProxiedConnection.From(header) : null;
        return new WhoAnswer(
            instance.Name,
            instance.Labels,
            EchoMetrics.Version,
            endpoint,
            id,
            time.GetUtcNow().UtcDateTime,
            ClientAddress.Format(client, id),
            proxied?.Via is { } via ? ClientAddress.Format(via, id) : null,
            local is IPEndPoint ip ? ClientAddress.Format(ip) : local?.ToString(),
            proxied?.Description,
            TlsOf(features),
            TcpOf(features));
    }

    private static WhoTls? TlsOf(IFeatureCollection features)
    {
        if (TlsDescription.From(features) is not { } tls)
        {
            return null;
        }

        var stream = features.Get<ISslStreamFeature>()!.SslStream;
        var name = stream.TargetHostName is { Length: > 0 } asked ? asked : null;
        var protocol = stream.NegotiatedApplicationProtocol.Protocol is { IsEmpty: false } ? stream.NegotiatedApplicationProtocol.ToString() : null;
        return new WhoTls(tls.Protocol, tls.Cipher, name, protocol, ClientCertificateDescription.Of(stream.RemoteCertificate));
    }

    private static WhoTcp? TcpOf(IFeatureCollection features)
    {
        return TcpInfo.Read(SocketOptions.Of(features)) is { } tcp
            ? new WhoTcp(tcp.RttMicroseconds / 1000.0, tcp.MinRttMicroseconds / 1000.0, tcp.Mss, tcp.PathMtu)
            : null;
    }
}
