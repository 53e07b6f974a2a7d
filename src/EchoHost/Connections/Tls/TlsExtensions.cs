using System.Net.Security;
using System.Security.Authentication;
using EchoHost.Connections.Admission;
using EchoHost.Lifetime;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EchoHost.Connections.Tls;

internal static class TlsExtensions
{
    /// <summary>
    /// Adds TLS 1.2 and 1.3 with Kestrel's own middleware. A client that fails the handshake is rejected and counted; bytes
    /// that are not TLS get no further.
    /// </summary>
    /// <param name="listen">The endpoint's chain.</param>
    /// <param name="endpoint">The endpoint's name.</param>
    /// <param name="options">The certificates to present and to ask for.</param>
    public static void UseTls(this ListenOptions listen, string endpoint, TlsOptions options)
    {
        var services = listen.ApplicationServices;
        var certificate = services.GetRequiredService<ServerCertificates>().For(endpoint, options);
        var metrics = services.GetRequiredService<EchoMetrics>().For(endpoint);
        listen.UseForClients(clients =>
            clients.Use(next => ActivatorUtilities.CreateInstance<TlsHandshakeMiddleware>(services, next, metrics).OnConnectionAsync));
        // Kestrel's own choice is one of HTTP's protocols. TLS may carry any protocol here: the one that the client prefers.
        listen.Protocols = HttpProtocols.None;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = services.GetRequiredService<TlsHandshakeOptions>().TlsHandshakeTimeout,
            OnConnection = callback =>
                ValueTask.FromResult(Authentication(certificate, options.ClientCertificateMode, callback.Connection.Features.Get<TlsHandshake>())),
        });
        var drain = services.GetRequiredService<DrainState>();
        listen.UseForClients(clients => clients.Use(next => context =>
        {
            if (drain.IsRejecting)
            {
                context.Abort();
                return Task.CompletedTask;
            }

            context.Features.Get<TlsHandshake>()!.Done();
            return next(context);
        }));
    }

    /// <param name="certificate">The endpoint's certificate.</param>
    /// <param name="mode">Whether clients are asked for a certificate.</param>
    /// <param name="handshake">The client's handshake; null for the host's own probe, which has no certificate.</param>
    private static SslServerAuthenticationOptions Authentication(ServerCertificate certificate, ClientCertificateMode mode, TlsHandshake? handshake) => new()
    {
        ServerCertificateContext = certificate.Current,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        AllowRenegotiation = false,
        ApplicationProtocols = handshake is { Protocol.Length: > 0 } ? [new SslApplicationProtocol(handshake.Protocol)] : null,
        ClientCertificateRequired = mode != ClientCertificateMode.NoCertificate && handshake is not null,
        CertificateChainPolicy = ClientCertificates.Policy(certificate.Authorities),
        RemoteCertificateValidationCallback = (_, shown, chain, errors) =>
        {
            var problem = ClientCertificates.ProblemOf(shown, chain, errors, mode == ClientCertificateMode.RequireCertificate && handshake is not null);
            if (problem is not null)
            {
                handshake?.Failed(problem);
            }

            return problem is null;
        },
    };
}
