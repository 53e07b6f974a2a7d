using EchoHost.Configuration;

namespace EchoHost.Connections.Tls;

/// <summary>The section <c>Echo:Endpoints:{Name}:Certificate</c>, in the shape of Kestrel's own.</summary>
internal sealed class CertificateOptions
{
    /// <summary>A PEM file (the certificate, then those that issued it) or a PFX file.</summary>
    public string Path { get; set; } = "";

    /// <summary>The PEM file of the private key, where it is not in the certificate's own.</summary>
    public string KeyPath { get; set; } = "";

    /// <summary>What the key or the PFX file is encrypted with.</summary>
    public string Password { get; set; } = "";

    /// <summary>Reads the section.</summary>
    public static CertificateOptions Read(SectionReader section) => new()
    {
        Path = section.Text(nameof(Path)) ?? "",
        KeyPath = section.Text(nameof(KeyPath)) ?? "",
        Password = section.Text(nameof(Password)) ?? "",
    };
}
