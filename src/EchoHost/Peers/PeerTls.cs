using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace EchoHost.Peers;

/// <summary>How a peer's certificate is believed, and what is shown to it.</summary>
/// <param name="IsInsecure">Whether any certificate is believed.</param>
/// <param name="Authorities">The trusted issuers, in place of the system's; null for the system's.</param>
/// <param name="Certificate">What is shown to a peer that asks for a certificate.</param>
/// <param name="ServerName">The name to ask for, and to expect in the certificate; null for the host's.</param>
internal sealed record PeerTls(bool IsInsecure = false, X509Certificate2Collection? Authorities = null, SslStreamCertificateContext? Certificate = null, string? ServerName = null)
{
    /// <summary>As the system believes.</summary>
    public static PeerTls System { get; } = new();

    /// <summary>The options of a handshake with a peer that must be called <paramref name="host"/>.</summary>
    /// <param name="host">Its name, or address.</param>
    /// <param name="onFault">Told why its certificate is not believed.</param>
    /// <param name="onCertificateWanted">Told that it asks for a certificate, where there is none to show.</param>
    public SslClientAuthenticationOptions OptionsFor(string host, Action<string> onFault, Action onCertificateWanted)
    {
        var name = ServerName ?? host;
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = name,
            ClientCertificateContext = Certificate,
            // Nothing is fetched because of what a peer shows.
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
                // Also called before the handshake, when nothing is known of the peer.
                if (peer is not null || authorities.Length > 0)
                {
                    onCertificateWanted();
                }

                return null!;
            };
        }

        if (IsInsecure)
        {
#pragma warning disable CA5359 // Asked for by name.
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
