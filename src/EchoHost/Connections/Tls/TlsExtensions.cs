using System.Net.Security;
using System.Security.Authentication;
using EchoHost.Endpoints;
using EchoHost.Lifetime;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EchoHost.Connections.Tls;

internal static class TlsExtensions
{
    /// <summary>
    /// TLS 1.2 and 1.3 by Kestrel's own middleware, on a <c>tls://</c> endpoint. A client that fails the handshake is turned away
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
        var metrics = services.GetRequiredService<EchoMetrics>().For(endpoint.Name);
        var drain = services.GetRequiredService<DrainState>();

        listen.Use(next => ActivatorUtilities.CreateInstance<TlsHandshakeMiddleware>(services, next, metrics, tls.HandshakeTimeout).OnConnectionAsync);
        // No protocol to agree on (ALPN): what is spoken within is anything at all.
        listen.Protocols = HttpProtocols.None;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = tls.HandshakeTimeout,
            OnConnection = callback =>
                ValueTask.FromResult(Authentication(certificate, tls.ClientCertificateMode, callback.Connection.Features.Get<TlsHandshake>()!)),
        });
        listen.Use(next => context =>
        {
            var handshake = context.Features.Get<TlsHandshake>()!;
            if (drain.TurnsAway && !handshake.IsOwn)
            {
                context.Abort();
                return Task.CompletedTask;
            }

            handshake.Done();
            return next(context);
        });
        return listen;
    }

    private static SslServerAuthenticationOptions Authentication(ServerCertificate certificate, ClientCertificateMode mode, TlsHandshake handshake) => new()
    {
        ServerCertificateContext = certificate.Current,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        AllowRenegotiation = false,
        // The host's own probe has no certificate.
        ClientCertificateRequired = mode != ClientCertificateMode.NoCertificate && !handshake.IsOwn,
        CertificateChainPolicy = ClientCertificates.Policy(certificate.Authorities),
        RemoteCertificateValidationCallback = (_, shown, chain, errors) =>
        {
            var problem = ClientCertificates.ProblemOf(shown, chain, errors, mode == ClientCertificateMode.RequireCertificate && !handshake.IsOwn);
            if (problem is not null)
            {
                handshake.Failed(problem);
            }

            return problem is null;
        },
    };
}
