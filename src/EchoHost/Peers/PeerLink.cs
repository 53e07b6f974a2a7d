using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Kestrel.ProxyProtocol;

namespace EchoHost.Peers;

/// <summary>How connections to peers are made.</summary>
/// <param name="Proxy">The PROXY header they begin with; null for none.</param>
/// <param name="Tls">How a peer that speaks TLS is believed; null for the system's own way.</param>
/// <param name="Family">IPv4 or IPv6 alone, where a name may have addresses of both.</param>
/// <param name="Source">The address to connect from; null for the one that the system chooses.</param>
internal sealed record PeerLink(ProxyPreamble? Proxy = null, PeerTls? Tls = null, AddressFamily Family = AddressFamily.Unspecified, IPAddress? Source = null)
{
    /// <summary>Without a PROXY header, and with the system's trust.</summary>
    public static PeerLink Default { get; } = new();
}

/// <summary>The PROXY header that a connection begins with.</summary>
/// <param name="Version">1 or 2.</param>
/// <param name="Source">The client's address to give; null for the connection's own.</param>
internal sealed record ProxyPreamble(int Version, IPEndPoint? Source)
{
    /// <summary>The header for a connection between these two.</summary>
    public byte[] For(IPEndPoint local, IPEndPoint remote) =>
        Version == 1 ? ProxyHeaderWriter.V1(Source ?? local, remote) : ProxyHeaderWriter.V2(Source ?? local, remote);
}

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
