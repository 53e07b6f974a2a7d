using System.Collections.ObjectModel;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace EchoHost.Connections.Tls;

/// <summary>Reads a certificate with its private key and its issuers' certificates, from PEM or PFX.</summary>
internal sealed class CertificateFile(CertificateOptions options)
{
    /// <summary>The framework's HResult for a PFX file with another password (ERROR_INVALID_PASSWORD), on every system.</summary>
    private const int InvalidPassword = unchecked((int)0x80070056);

    /// <summary>
    /// A hash of the files' bytes. Comparing contents detects every kind of change: an edit, a rename, and the swapped symbolic
    /// link by which Kubernetes updates a mounted secret.
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

    /// <summary>Loads what TLS sends: exactly the certificates in the file.</summary>
    /// <exception cref="IOException">A file can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not read a file.</exception>
    /// <exception cref="CryptographicException">The files hold no certificate with its private key.</exception>
    public SslStreamCertificateContext Load()
    {
        var isPem = IsPem(File.ReadAllBytes(options.Path));
        var (certificate, others) = isPem ? LoadPem() : LoadPfx();
        // Offline: missing issuers are not downloaded.
        var context = SslStreamCertificateContext.Create(certificate, others, offline: true);
        ShownWith(context) = new([.. isPem ? WithoutFirst(others, certificate) : InOrder(others, certificate)]);
        return context;
    }

    /// <summary>Whether <paramref name="e"/> means that a certificate can't be read.</summary>
    public static bool IsUnreadable(Exception e) => e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException;

    /// <summary>Describes what is wrong with the files: the key, its value unless it is a secret, and the reason.</summary>
    /// <param name="e">The exception of <see cref="Load"/> or <see cref="Fingerprint"/>.</param>
    public string Explain(Exception e)
    {
        var words = e.Message.ReplaceLineEndings(" ");
        var isKeyApart = options.KeyPath.Length > 0;
        var path = $"{nameof(options.Path)} is '{options.Path}'";
        var key = isKeyApart ? $"{nameof(options.KeyPath)} is '{options.KeyPath}'" : path;
        var keyFile = isKeyApart ? options.KeyPath : options.Path;
        if (e is IOException or UnauthorizedAccessException)
        {
            return isKeyApart && words.Contains(options.KeyPath, StringComparison.Ordinal) ? $"{key}: {words}" : $"{path}: {words}";
        }

        try
        {
            if (!IsPem(File.ReadAllBytes(options.Path)))
            {
                return e.HResult != InvalidPassword ? $"{path}: it is neither PEM nor PFX with a private key ({words.TrimEnd('.')})"
                    : HasPassword ? $"{nameof(options.Password)} is not the one that '{options.Path}' is encrypted with"
                    : $"{nameof(options.Password)} is not set, and '{options.Path}' is encrypted with one";
            }

            var text = File.ReadAllText(keyFile, Encoding.ASCII);
            var isEncrypted = text.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal);
            return !HoldsCertificate() ? $"{path}: it holds no certificate that can be read"
                : !text.Contains("PRIVATE KEY-----", StringComparison.Ordinal)
                    ? $"{key}: it holds no private key{(isKeyApart ? "" : ", and KeyPath is not set")}"
                : isEncrypted && !HasPassword ? $"{nameof(options.Password)} is not set, and the key in '{keyFile}' is encrypted with one"
                : !isEncrypted && HasPassword ? $"{nameof(options.Password)} is set, but the key in '{keyFile}' is not encrypted"
                : isEncrypted && e is not ArgumentException ? $"{nameof(options.Password)} is not the one that the key in '{keyFile}' is encrypted with"
                : $"{key}: its key is not that of the certificate{(isKeyApart ? $" in '{options.Path}'" : "")}";
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return $"{path}: {words}";
        }
    }

    private bool HasPassword => options.Password.Length > 0;

    private bool HoldsCertificate()
    {
        try
        {
            X509Certificate2.CreateFromPem(File.ReadAllText(options.Path, Encoding.ASCII)).Dispose();
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>
    /// The certificates that TLS sends with the endpoint's own. The framework builds this chain itself and ends it at the
    /// first root that this machine trusts. That would drop a cross certificate behind it, which clients that do not know
    /// this root need. There is no public API to change that.
    /// </summary>
    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<IntermediateCertificates>k__BackingField")]
    private static extern ref ReadOnlyCollection<X509Certificate2> ShownWith(SslStreamCertificateContext context);

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

    private static IEnumerable<X509Certificate2> WithoutFirst(X509Certificate2Collection all, X509Certificate2 certificate) =>
        all.Where(c => !c.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span));

    /// <summary>
    /// Orders the certificates so that each is followed by its issuer's, as TLS 1.2 requires (RFC 5246, section 7.4.2); a
    /// PFX file has no order.
    /// </summary>
    private static List<X509Certificate2> InOrder(X509Certificate2Collection all, X509Certificate2 certificate)
    {
        var left = WithoutFirst(all, certificate).ToList();
        List<X509Certificate2> ordered = [];
        for (var last = certificate; left.Find(c => c.SubjectName.RawData.AsSpan().SequenceEqual(last.IssuerName.RawData)) is { } issuer; last = issuer)
        {
            ordered.Add(issuer);
            left.Remove(issuer);
        }

        return [.. ordered, .. left];
    }
}
