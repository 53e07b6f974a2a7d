using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EchoHost.Connections.Tls;

/// <summary>What a <c>tls://</c> endpoint needs to know.</summary>
/// <param name="Certificate">What it shows; checked to be readable.</param>
/// <param name="ClientCertificateMode">What it asks of its peers.</param>
/// <param name="HandshakeTimeout">How long a handshake may take.</param>
internal sealed record TlsSettings(CertificateOptions Certificate, ClientCertificateMode ClientCertificateMode, TimeSpan HandshakeTimeout);
