using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace EchoHost.Peers;

/// <summary>How to verify a peer's certificate, and which certificate to show to the peer.</summary>
/// <param name="IsInsecure">Whether to accept any certificate.</param>
/// <param name="Authorities">The trusted authorities; null for the system's.</param>
/// <param name="Certificate">The client certificate to show to a peer that asks for one; null for none.</param>
/// <param name="ServerName">The name to ask for (SNI), and to expect in the certificate; null for the target's host.</param>
internal sealed record PeerTls(
    bool IsInsecure = false,
    X509Certificate2Collection? Authorities = null,
    SslStreamCertificateContext? Certificate = null,
    string? ServerName = null)
{
    /// <summary>The system's trust.</summary>
    public static PeerTls System { get; } = new();

    /// <summary>The options for a TLS handshake with a peer.</summary>
    /// <param name="host">The peer's name or address, which its certificate must be valid for.</param>
    /// <param name="onFault">Receives the reason if the peer's certificate is not trusted.</param>
    /// <param name="onCertificateWanted">Called if the peer asks for a certificate and there is none to show.</param>
    public SslClientAuthenticationOptions OptionsFor(string host, Action<string> onFault, Action onCertificateWanted)
    {
        var name = ServerName ?? host;
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = name,
            ClientCertificateContext = Certificate,
            // A peer's certificate must not make this host download anything.
            CertificateChainPolicy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true },
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            {
                if (errors == SslPolicyErrors.None)
                {
                    return true;
                }

                onFault(CertificateFaults.Describe(certificate, chain, errors, name));
                return false;
            },
        };
        if (Certificate is null)
        {
            options.LocalCertificateSelectionCallback = (_, _, _, peer, authorities) =>
            {
                // The framework also calls this before the handshake, without the peer's certificate and authorities.
                if (peer is not null || authorities.Length > 0)
                {
                    onCertificateWanted();
                }

                return null!;
            };
        }

        if (IsInsecure)
        {
#pragma warning disable CA5359 // The user asked for it.
            options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        }

        if (Authorities is not null)
        {
            options.CertificateChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            options.CertificateChainPolicy.CustomTrustStore.AddRange(Authorities);
        }

        return options;
    }
}
