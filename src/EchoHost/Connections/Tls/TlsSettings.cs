using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EchoHost.Connections.Tls;

/// <summary>What a <c>tls://</c> endpoint needs to know.</summary>
/// <param name="Certificate">What it shows; checked to be readable.</param>
/// <param name="ClientCertificateMode">What it asks of its peers.</param>
/// <param name="ClientCertificateAuthorities">The PEM file of the authorities that may have issued a client's certificate; null for those of the system.</param>
/// <param name="HandshakeTimeout">How long a handshake may take.</param>
internal sealed record TlsSettings(
    CertificateOptions Certificate, ClientCertificateMode ClientCertificateMode, string? ClientCertificateAuthorities, TimeSpan HandshakeTimeout);
