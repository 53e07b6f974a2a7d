using EchoHost.Configuration;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EchoHost.Connections.Tls;

/// <summary>The keys of the section <c>Echo:Endpoints:{Name}</c> that only a <c>tls://</c> endpoint has.</summary>
internal sealed record TlsOptions
{
    /// <summary>The certificate that the endpoint presents.</summary>
    public CertificateOptions Certificate { get; init; } = new();

    /// <summary>Whether clients are asked for a certificate.</summary>
    /// <remarks>Default: <c>NoCertificate</c>.</remarks>
    public ClientCertificateMode ClientCertificateMode { get; init; }

    /// <summary>The PEM file of the authorities that may issue client certificates.</summary>
    /// <remarks>Default: null, for the authorities that the system trusts.</remarks>
    public string? ClientCertificateAuthorities { get; init; }

    public static TlsOptions Read(SectionReader section) => new()
    {
        Certificate = section.Section(nameof(Certificate), CertificateOptions.Read),
        ClientCertificateMode = section.Choice<ClientCertificateMode>(nameof(ClientCertificateMode)),
        ClientCertificateAuthorities = section.Text(nameof(ClientCertificateAuthorities)) is { Length: > 0 } path ? path : null,
    };

    /// <summary>Checks that an endpoint can use TLS with these options, and reads the files.</summary>
    /// <param name="section">The endpoint's section, as messages name it.</param>
    /// <param name="url">The endpoint's URL.</param>
    /// <exception cref="ConfigurationException">An option is missing or wrong, or a file can't be used.</exception>
    public void Check(string section, string url)
    {
        if (Certificate.Path.Length == 0)
        {
            throw new ConfigurationException($"{section}:Certificate:Path is not set, but {section}:Url is '{url}', which needs a certificate");
        }

        if (ClientCertificateMode == ClientCertificateMode.DelayCertificate)
        {
            throw new ConfigurationException(
                $"{section}:ClientCertificateMode is '{ClientCertificateMode}', which only HTTP has; "
                + "expected NoCertificate, AllowCertificate or RequireCertificate");
        }

        var file = new CertificateFile(Certificate);
        try
        {
            file.Load();
        }
        catch (Exception e) when (CertificateFile.IsUnreadable(e))
        {
            throw new ConfigurationException($"{section}:Certificate:{file.Explain(e)}");
        }

        if (ClientCertificateAuthorities is { } authorities)
        {
            CheckAuthorities(section, authorities);
        }
    }

    /// <summary>Checks that none of these options is set, for an endpoint without TLS.</summary>
    /// <param name="section">The endpoint's section, as messages name it.</param>
    /// <param name="url">The endpoint's URL.</param>
    /// <exception cref="ConfigurationException">An option is set.</exception>
    public void CheckUnused(string section, string url)
    {
        var set = ClientCertificateMode != ClientCertificateMode.NoCertificate ? $"ClientCertificateMode is '{ClientCertificateMode}'"
            : ClientCertificateAuthorities is not null ? $"ClientCertificateAuthorities is '{ClientCertificateAuthorities}'"
            : Certificate.Path.Length > 0 ? $"Certificate:Path is '{Certificate.Path}'"
            : null;
        if (set is not null)
        {
            throw new ConfigurationException($"{section}:{set}, but {section}:Url is '{url}', which is not tls://");
        }
    }

    private void CheckAuthorities(string section, string path)
    {
        if (ClientCertificateMode == ClientCertificateMode.NoCertificate)
        {
            throw new ConfigurationException(
                $"{section}:ClientCertificateAuthorities is '{path}', but {section}:ClientCertificateMode is 'NoCertificate'; "
                + "expected AllowCertificate or RequireCertificate");
        }

        try
        {
            new AuthoritiesFile(path).Load();
        }
        catch (Exception e) when (CertificateFile.IsUnreadable(e))
        {
            throw new ConfigurationException($"{section}:ClientCertificateAuthorities is '{path}': {e.Message.ReplaceLineEndings(" ")}");
        }
    }
}
