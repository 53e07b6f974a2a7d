using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace EchoHost.Peers;

/// <summary>Describes why a peer's certificate is not trusted.</summary>
internal static class CertificateFaults
{
    private const int MaxNames = 5;

    /// <summary>All faults of a certificate, in one line.</summary>
    /// <param name="shown">The peer's certificate; null if it showed none.</param>
    /// <param name="chain">The chain that was built for the certificate.</param>
    /// <param name="errors">The errors that the framework found.</param>
    /// <param name="name">The name that the certificate must be valid for.</param>
    public static string Describe(X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors, string name)
    {
        if (shown is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
        {
            return "the peer shows no certificate";
        }

        var certificate = shown as X509Certificate2 ?? new X509Certificate2(shown);
        List<string> faults = [];
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            faults.Add($"it is not valid for {name}: it is for {Names(certificate)}");
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors) && chain is not null)
        {
            var ofElements = chain.ChainElements.SelectMany((element, i) =>
                element.ChainElementStatus.Select(status => OfChain(element.Certificate, isOwn: i == 0, status)));
            faults.AddRange(ofElements.Distinct());
            if (faults.Count == 0)
            {
                faults.AddRange(chain.ChainStatus.Select(status => OfChain(certificate, isOwn: true, status)).Distinct());
            }
        }

        return $"the peer's certificate is not believed: {(faults.Count == 0 ? "no reason is given" : string.Join("; ", faults))}";
    }

    private static string OfChain(X509Certificate2 certificate, bool isOwn, X509ChainStatus status)
    {
        var it = isOwn ? "it" : $"its authority {certificate.Subject}";
        return status.Status switch
        {
            X509ChainStatusFlags.NotTimeValid when certificate.NotBefore > DateTime.Now => $"{it} is not valid before {Time(certificate.NotBefore)}",
            X509ChainStatusFlags.NotTimeValid => $"{it} is expired since {Time(certificate.NotAfter)}",
            X509ChainStatusFlags.UntrustedRoot when isOwn => "it is self-signed, and not trusted here",
            X509ChainStatusFlags.UntrustedRoot => $"it is issued by an unknown authority, {certificate.Subject}",
            X509ChainStatusFlags.PartialChain => $"it is issued by an unknown authority, {certificate.Issuer}",
            X509ChainStatusFlags.Revoked => $"{it} is revoked",
            X509ChainStatusFlags.NotValidForUsage => $"{it} is not for servers",
            X509ChainStatusFlags.NotSignatureValid => $"{it} has a wrong signature",
            _ => $"{it}: {status.StatusInformation.ReplaceLineEndings(" ").Trim()}",
        };
    }

    private static string Names(X509Certificate2 certificate)
    {
        var alternative = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        string[] names = alternative is null
            ? [certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false)]
            : [.. alternative.EnumerateDnsNames(), .. alternative.EnumerateIPAddresses().Select(address => address.ToString())];
        return names.Length == 0 ? "no name" : string.Join(", ", names.Take(MaxNames)) + (names.Length > MaxNames ? ", …" : "");
    }

    private static string Time(DateTime local) => local.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
