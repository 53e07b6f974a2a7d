using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace EchoHost.Connections.Tls;

/// <summary>Reads a certificate with its key and the certificates that issued it, from PEM or PFX.</summary>
internal sealed class CertificateFile(CertificateOptions options)
{
    /// <summary>
    /// The files' bytes, as one string to compare. Reading them whole sees every kind of change: an edit, a rename, and
    /// the swapped symbolic link by which Kubernetes updates a mounted secret.
    /// </summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(File.ReadAllBytes(options.Path));
        if (options.KeyPath.Length > 0)
        {
            hash.AppendData(File.ReadAllBytes(options.KeyPath));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>What TLS shows.</summary>
    /// <exception cref="IOException">A file can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read.</exception>
    /// <exception cref="CryptographicException">What is in it is no certificate with its key.</exception>
    public SslStreamCertificateContext Load()
    {
        var (certificate, others) = IsPem(File.ReadAllBytes(options.Path)) ? LoadPem() : LoadPfx();
        // Offline: what the file does not hold is not fetched from somewhere.
        return SslStreamCertificateContext.Create(certificate, others, offline: true);
    }

    /// <summary>Whether this is how an unreadable certificate shows itself.</summary>
    public static bool IsUnreadable(Exception e) => e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException;

    private static bool IsPem(ReadOnlySpan<byte> bytes) => bytes.IndexOf("-----BEGIN"u8) >= 0;

    private (X509Certificate2 Certificate, X509Certificate2Collection Others) LoadPem()
    {
        var keyPath = options.KeyPath.Length > 0 ? options.KeyPath : options.Path;
        var certificate = options.Password.Length > 0
            ? X509Certificate2.CreateFromEncryptedPemFile(options.Path, options.Password, keyPath)
            : X509Certificate2.CreateFromPemFile(options.Path, keyPath);
        var others = new X509Certificate2Collection();
        others.ImportFromPem(File.ReadAllText(options.Path, Encoding.ASCII));
        return (certificate, others);
    }

    private (X509Certificate2 Certificate, X509Certificate2Collection Others) LoadPfx()
    {
        var all = X509CertificateLoader.LoadPkcs12CollectionFromFile(options.Path, options.Password);
        var certificate = all.FirstOrDefault(c => c.HasPrivateKey) ?? throw new CryptographicException("it holds no certificate with a private key");
        return (certificate, all);
    }
}
