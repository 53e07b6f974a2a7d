using System.Net;
using System.Net.NetworkInformation;
using EchoHost.Configuration;
using EchoHost.Endpoints;
using Microsoft.Extensions.Primitives;

namespace EchoHost.Http;

/// <summary>
/// The names under which HTTP is answered. A page in a browser can make a name of its own lead to 127.0.0.1 (DNS
/// rebinding) and would then read, as its own, what the host tells only this machine; the name in <c>Host</c> gives it away.
/// </summary>
internal sealed class AllowedHosts
{
    /// <summary>ASP.NET Core's own key.</summary>
    public const string Key = "AllowedHosts";

    private const string Any = "*";

    /// <summary>What probes and scrapers ask is no secret and may be asked under any name, since these use the names of services.</summary>
    private static readonly PathString[] OpenPaths = ["/health", "/metrics"];

    private readonly IList<StringSegment>? _names;
    private readonly bool _takesAddresses;

    private AllowedHosts(IList<StringSegment>? names, bool takesAddresses) => (_names, _takesAddresses) = (names, takesAddresses);

    /// <summary>Reads the names: <c>echo.example.net</c>, <c>*.example.net</c>, or <c>*</c> for any, separated by semicolons.</summary>
    /// <param name="configured">The key's value; where there is none, any name will do unless HTTP is bound to loopback alone.</param>
    /// <param name="addresses">What HTTP is bound to. On loopback IP addresses, <c>localhost</c> and the machine's names are always allowed.</param>
    /// <exception cref="ConfigurationException">A name is none.</exception>
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

    /// <summary>Whether a call is answered.</summary>
    /// <param name="host">The header <c>Host</c>; HTTP/1.0 needs none, and every browser sends one.</param>
    /// <param name="path">What is asked for.</param>
    public bool Allows(HostString host, PathString path)
    {
        if (_names is null || !host.HasValue || OpenPaths.Any(open => path.StartsWithSegments(open)))
        {
            return true;
        }

        // A name may end with the root's dot.
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
