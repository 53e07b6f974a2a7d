using System.Net.Security;
using System.Security.Authentication;
using EchoHost.Configuration;
using EchoHost.Connections.Admission;
using EchoHost.Drain;
using EchoHost.Echo;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EchoHost.Connections.Tls;

internal static class TlsExtensions
{
    /// <summary>
    /// TLS 1.2 and 1.3 by Kestrel's own middleware, on a <c>tls://</c> endpoint. Who fails the handshake is turned away
    /// and counted; nothing that is not TLS gets any further.
    /// </summary>
    public static ListenOptions UseTls(this ListenOptions listen, EchoEndpoint endpoint)
    {
        if (endpoint.Tls is not { } tls)
        {
            return listen;
        }

        var services = listen.ApplicationServices;
        var certificate = services.GetRequiredService<ServerCertificates>().For(endpoint);
        var selfProbes = services.GetRequiredService<SelfProbes>();
        var metrics = services.GetRequiredService<EchoMetrics>().For(endpoint.Name);
        var drain = services.GetRequiredService<DrainState>();
        var settings = services.GetRequiredService<HostSettings>();
        var rejections = services.GetRequiredService<Rejections>();

        listen.Use(next => context => WatchHandshakeAsync(next, context, metrics, settings, drain, rejections));
        // No protocol to agree on (ALPN): what is spoken within is anything at all.
        listen.Protocols = HttpProtocols.None;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = tls.HandshakeTimeout,
            OnConnection = handshake => ValueTask.FromResult(Authentication(certificate.Current, selfProbes.Contains(handshake.Connection.RemoteEndPoint) ? ClientCertificateMode.NoCertificate : tls.ClientCertificateMode)),
        });
        listen.Use(next => context =>
        {
            if (drain.TurnsAway)
            {
                context.Abort();
                return Task.CompletedTask;
            }

            context.Features.Get<Handshake>()!.IsDone = true;
            return next(context);
        });
        return listen;
    }

    private static SslServerAuthenticationOptions Authentication(SslStreamCertificateContext certificate, ClientCertificateMode mode) => new()
    {
        ServerCertificateContext = certificate,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        AllowRenegotiation = false,
        ClientCertificateRequired = mode != ClientCertificateMode.NoCertificate,
        RemoteCertificateValidationCallback = (_, shown, _, errors) =>
            shown is null ? mode != ClientCertificateMode.RequireCertificate : errors == SslPolicyErrors.None,
    };

    /// <summary>Counts a handshake that fails, and ends one that is not done when the host turns to draining.</summary>
    private static async Task WatchHandshakeAsync(ConnectionDelegate next, ConnectionContext context, EndpointMetrics metrics, HostSettings settings, DrainState drain, Rejections rejections)
    {
        var handshake = new Handshake();
        using var end = drain.TurningAway.UnsafeRegister(
            _ =>
            {
                if (!handshake.IsDone)
                {
                    context.Abort();
                }
            },
            null);
        context.Features.Set(handshake);
        context.Features.Set(new TransportOutput(context.Transport.Output));
        try
        {
            await next(context);
        }
        catch (Exception) when (!handshake.IsDone)
        {
            // However it failed, it is told below.
        }

        if (handshake.IsDone)
        {
            return;
        }

        if (drain.TurnsAway)
        {
            rejections.Count(context, metrics, RejectReason.Draining, "draining");
        }
        else
        {
            rejections.Count(context, metrics, RejectReason.Tls, "the TLS handshake failed", settings.IsQuiet(context.RemoteEndPoint));
        }
    }

    private sealed class Handshake
    {
        public volatile bool IsDone;
    }
}
