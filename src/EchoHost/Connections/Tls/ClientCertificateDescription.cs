using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EchoHost.Connections.Tls;

/// <summary>The certificate that a client presented, and that was accepted.</summary>
/// <param name="Subject">The subject's distinguished name.</param>
/// <param name="Fingerprint">The SHA-256 hash of its DER form, in hexadecimal.</param>
internal sealed record ClientCertificateDescription(string Subject, string Fingerprint)
{
    /// <summary>Null if the client presented none.</summary>
    public static ClientCertificateDescription? Of(X509Certificate? certificate) => certificate is null
        ? null
        : new ClientCertificateDescription(certificate.Subject, certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant());
}
