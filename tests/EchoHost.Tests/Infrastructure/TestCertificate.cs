using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EchoHost.Tests.Infrastructure;

/// <summary>A certificate generated for one test, in a folder of its own.</summary>
internal sealed class TestCertificate : IDisposable
{
    public TestCertificate(string commonName = "localhost") => Write(commonName);

    public string Folder { get; } = Directory.CreateTempSubdirectory("echohost-tls").FullName;

    public string CertificatePath => Path.Combine(Folder, "tls.crt");

    public string KeyPath => Path.Combine(Folder, "tls.key");

    public X509Certificate2 Certificate { get; private set; } = null!;

    /// <summary>The settings of an endpoint <c>Tls</c> that presents this certificate.</summary>
    public string[] Settings =>
        [
            "Echo:Endpoints:Tls:Url=tls://127.0.0.1:0",
            $"Echo:Endpoints:Tls:Certificate:Path={CertificatePath}",
            $"Echo:Endpoints:Tls:Certificate:KeyPath={KeyPath}",
        ];

    /// <summary>Replaces the certificate with a new one.</summary>
    public void Write(string commonName) => Certificate = WriteTo(Folder, commonName);

    /// <summary>Writes <c>tls.crt</c> and <c>tls.key</c> into a folder.</summary>
    public static X509Certificate2 WriteTo(string folder, string commonName)
    {
        var certificate = Create(commonName);
        using var key = certificate.GetECDsaPrivateKey()!;
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Path.Combine(folder, "tls.crt"), certificate.ExportCertificatePem());
        return certificate;
    }

    public static X509Certificate2 Create(string commonName) => Create(commonName, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));

    public static X509Certificate2 Create(string commonName, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        return request.CreateSelfSigned(from, to);
    }

    public void Dispose()
    {
        Certificate.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
