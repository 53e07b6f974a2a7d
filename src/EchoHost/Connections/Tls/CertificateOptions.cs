using EchoHost.Configuration;

namespace EchoHost.Connections.Tls;

/// <summary>The section <c>Echo:Endpoints:{Name}:Certificate</c>, with the keys of Kestrel's own.</summary>
internal sealed class CertificateOptions
{
    /// <summary>A PEM file (the certificate, then its issuers') or a PFX file.</summary>
    public string Path { get; set; } = "";

    /// <summary>The PEM file of the private key, if it is not in the certificate's file.</summary>
    public string KeyPath { get; set; } = "";

    /// <summary>The password of the key or the PFX file.</summary>
    public string Password { get; set; } = "";

    public static CertificateOptions Read(SectionReader section) => new()
    {
        Path = section.Text(nameof(Path)) ?? "",
        KeyPath = section.Text(nameof(KeyPath)) ?? "",
        Password = section.Text(nameof(Password)) ?? "",
    };
}
