using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace EchoHost.Connections.Tls;

/// <summary>How client certificates are validated.</summary>
internal static class ClientCertificates
{
    /// <summary>
    /// The policy for validating client certificates. It downloads nothing, neither issuers (AIA) nor revocation lists: a
    /// client could otherwise make the host connect to any address and wait for the answer.
    /// </summary>
    /// <param name="authorities">The trusted authorities; null for those of the system.</param>
    public static X509ChainPolicy Policy(X509Certificate2Collection? authorities)
    {
        var policy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        if (authorities is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(authorities);
        }

        return policy;
    }

    /// <summary>Describes what is wrong with a client's certificate; null if it is accepted.</summary>
    /// <param name="shown">The certificate; null if the client sent none.</param>
    /// <param name="chain">The result of the validation.</param>
    /// <param name="errors">The summary of that result.</param>
    /// <param name="isRequired">Whether the client must send a certificate.</param>
    public static string? ProblemOf(X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors, bool isRequired)
    {
        if (shown is null)
        {
            return isRequired ? "the client showed no certificate" : null;
        }

        if (errors == SslPolicyErrors.None)
        {
            return null;
        }

        var found = (chain?.ChainStatus ?? []).Aggregate(X509ChainStatusFlags.NoError, (all, status) => all | status.Status);
        var certificate = shown as X509Certificate2;
        return Has(X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain) ? "the client's certificate is from an unknown authority"
            : Has(X509ChainStatusFlags.NotTimeValid) ? TimeProblemOf(certificate)
            : Has(X509ChainStatusFlags.NotValidForUsage) ? "the client's certificate is not meant for clients"
            : $"the client's certificate is not valid ({(found == X509ChainStatusFlags.NoError ? errors : found)})";

        bool Has(X509ChainStatusFlags flags) => (found & flags) != 0;
    }

    private static string TimeProblemOf(X509Certificate2? certificate)
    {
        return certificate?.NotAfter < DateTime.Now ? $"the client's certificate expired on {Time(certificate.NotAfter)}"
            : certificate?.NotBefore > DateTime.Now ? $"the client's certificate is not valid before {Time(certificate.NotBefore)}"
            : "a certificate of the client's issuers is not valid now";

        static string Time(DateTime time) => time.ToUniversalTime().ToString("u", CultureInfo.InvariantCulture);
    }
}
