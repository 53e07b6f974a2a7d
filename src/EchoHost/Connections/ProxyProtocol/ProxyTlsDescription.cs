using Kestrel.ProxyProtocol;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>The client's TLS connection as the proxy saw it (proxy-protocol.txt, section 2.2.6).</summary>
/// <param name="Version">As the proxy's TLS library spells it, such as <c>TLSv1.3</c>.</param>
/// <param name="Cipher">The cipher's name.</param>
/// <param name="ClientCertificate">Whether the client presented a certificate.</param>
/// <param name="Verified">Whether the proxy verified that certificate.</param>
/// <param name="CommonName">The certificate's common name.</param>
internal sealed record ProxyTlsDescription(string? Version, string? Cipher, bool ClientCertificate, bool Verified, string? CommonName)
{
    /// <summary>Null if the client came without TLS.</summary>
    public static ProxyTlsDescription? From(ProxySslValue ssl)
    {
        if (!ssl.IsTls)
        {
            return null;
        }

        string? version = null, cipher = null, commonName = null;
        for (var tlvs = new ProxyTlvReader(ssl.Tlvs); tlvs.TryRead(out var type, out var part);)
        {
            switch (type)
            {
                case ProxyTlvType.SslVersion:
                    version = ProxyDescription.Text(part);
                    break;
                case ProxyTlvType.SslCipher:
                    cipher = ProxyDescription.Text(part);
                    break;
                case ProxyTlvType.SslCommonName:
                    commonName = ProxyDescription.Text(part);
                    break;
            }
        }

        return new ProxyTlsDescription(version, cipher, ssl.HasClientCertificate, ssl.IsClientCertificateVerified, commonName);
    }
}
