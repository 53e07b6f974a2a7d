using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EchoHost.Connections.Tls;

/// <summary>Reads the certificates of the authorities that may issue client certificates, from PEM.</summary>
internal sealed class AuthoritiesFile(string path)
{
    /// <summary>A hash of the file's bytes, as <see cref="CertificateFile.Fingerprint"/>.</summary>
    public string Fingerprint() => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));

    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not read the file.</exception>
    /// <exception cref="CryptographicException">It holds no certificate.</exception>
    public X509Certificate2Collection Load()
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(path);
        return authorities.Count > 0 ? authorities : throw new CryptographicException("it holds no certificate in PEM");
    }
}
