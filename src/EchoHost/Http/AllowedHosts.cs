using System.Net;
using System.Net.NetworkInformation;
using EchoHost.Configuration;
using EchoHost.Endpoints;
using Microsoft.Extensions.Primitives;

namespace EchoHost.Http;

/// <summary>
/// The host names that HTTP requests may use. A web page can make its own name resolve to 127.0.0.1 (DNS rebinding) and would
/// then read what the host serves to this machine only; the header <c>Host</c> of its requests still has that name.
/// </summary>
internal sealed class AllowedHosts
{
    /// <summary>The same key as ASP.NET Core's own.</summary>
    public const string Key = "AllowedHosts";

    private const string Any = "*";

    /// <summary>
    /// Paths that are served under any name: they hold no secrets, and probes and scrapers use the names of services.
    /// </summary>
    private static readonly PathString[] OpenPaths = ["/health", "/metrics"];

    private readonly IList<StringSegment>? _names;
    private readonly bool _takesAddresses;

    private AllowedHosts(IList<StringSegment>? names, bool takesAddresses) => (_names, _takesAddresses) = (names, takesAddresses);

    /// <summary>
    /// Reads the names, separated by semicolons: <c>echo.example.net</c>, <c>*.example.net</c>, or <c>*</c> for any.
    /// </summary>
    /// <param name="configured">
    /// The key's value. If it is empty, any name is allowed, unless HTTP listens on loopback only.
    /// </param>
    /// <param name="addresses">
    /// The HTTP addresses. On loopback, IP addresses, <c>localhost</c> and the machine's names are always allowed.
    /// </param>
    /// <exception cref="ConfigurationException">An entry is not a name.</exception>
    public static AllowedHosts Read(string? configured, IReadOnlyList<HttpAddress> addresses)
    {
        var names = (configured ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (names.FirstOrDefault(name => name != Any && !IsName(name)) is { } wrong)
        {
            throw new ConfigurationException($"{Key} is '{configured}': '{wrong}' is not a name as in echo.example.net or *.example.net, or * for any");
        }

        var isLocal = addresses.All(address => address.IsLoopback);
        return names.Contains(Any) || (names.Length == 0 && !isLocal)
            ? new AllowedHosts(names: null, takesAddresses: true)
            : new AllowedHosts([.. (isLocal ? names.Concat(OwnNames()) : names).Select(name => new StringSegment(name))], takesAddresses: isLocal);
    }

    /// <summary>Whether a request is allowed.</summary>
    /// <param name="host">The header <c>Host</c>. HTTP/1.0 does not require it, but every browser sends it.</param>
    /// <param name="path">The path of the request.</param>
    public bool Allows(HostString host, PathString path)
    {
        if (_names is null || !host.HasValue || OpenPaths.Any(open => path.StartsWithSegments(open)))
        {
            return true;
        }

        // A name may end with the dot of the DNS root.
        var name = host.Host.TrimEnd('.');
        return (_takesAddresses && IPAddress.TryParse(name, out _)) || HostString.MatchesAny(name, _names);
    }

    private static bool IsName(string name) =>
        Uri.CheckHostName(name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name.Trim('[', ']')) != UriHostNameType.Unknown;

    private static IEnumerable<string> OwnNames()
    {
        yield return "localhost";
        yield return Environment.MachineName;
        yield return Dns.GetHostName();
        if (IPGlobalProperties.GetIPGlobalProperties().DomainName is { Length: > 0 } domain)
        {
            yield return $"{Environment.MachineName}.{domain}";
        }
    }
}
