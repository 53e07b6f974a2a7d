using System.Net;
using EchoHost.Text;

namespace EchoHost.Peers;

/// <summary>The address of a peer.</summary>
/// <param name="Host">A host name or an IP address without brackets. With TLS, the certificate must be valid for it.</param>
/// <param name="Port">1–65535; 0 for a Unix socket.</param>
/// <param name="IsTls">Whether the peer speaks TLS.</param>
internal sealed record PeerTarget(string Host, int Port, bool IsTls)
{
    /// <summary>The syntax of a target.</summary>
    public const string Shapes = "expected HOST:PORT or tls://HOST:PORT";

    private const string TlsScheme = "tls://";

    /// <summary>The port of a target without one: the echo endpoint's default.</summary>
    public const int DefaultPort = 5555;

    /// <summary>
    /// The end point, for one of several peers behind a name and for a Unix socket; null if the host and the port give it.
    /// </summary>
    public EndPoint? EndPoint { get; init; }

    /// <summary>The end point; null if the name must be resolved first.</summary>
    public EndPoint? KnownEndPoint => EndPoint ?? (IPAddress.TryParse(Host, out var literal) ? new IPEndPoint(literal, Port) : null);

    /// <summary>The peer's name in logs, metrics and JSON: <c>10.0.0.2:5555</c>, <c>[2001:db8::1]:5555</c>, <c>echo.example:5555</c>.</summary>
    public string Name => EndPoint is not null ? EndPoint.ToString()! : Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    /// <summary>The target for a known end point, which may be a Unix socket.</summary>
    /// <param name="endPoint">The end point.</param>
    /// <param name="isTls">Whether the peer speaks TLS.</param>
    /// <param name="host">The name that the certificate must be valid for.</param>
    public static PeerTarget At(EndPoint endPoint, bool isTls, string host) =>
        new(host, (endPoint as IPEndPoint)?.Port ?? 0, isTls) { EndPoint = endPoint };

    /// <summary>Parses <c>HOST:PORT</c> or <c>tls://HOST:PORT</c>, with an IPv6 address in brackets.</summary>
    /// <param name="text">The text to parse.</param>
    /// <param name="target">The target; null if the text is not valid.</param>
    /// <param name="problem">What is wrong with the text; null if it is valid.</param>
    /// <param name="mayLackPort">Whether the port may be missing, for port 5555; an IPv6 address then needs no brackets.</param>
    public static bool TryParse(string text, out PeerTarget? target, out string? problem, bool mayLackPort = false)
    {
        target = null;
        problem = mayLackPort ? $"{Shapes} (HOST alone is HOST:{DefaultPort})" : Shapes;
        var isTls = text.StartsWith(TlsScheme, StringComparison.OrdinalIgnoreCase);
        var authority = isTls ? text[TlsScheme.Length..] : text;
        if (authority.Contains("://", StringComparison.Ordinal))
        {
            return false;
        }

        if (mayLackPort && IsBareIPv6(authority))
        {
            authority = $"[{authority}]";
        }

        if (!HostPort.TryParse(authority, out var at, out var wrong, mayLackPort ? DefaultPort : null, minPort: 1))
        {
            problem = wrong ?? problem;
            return false;
        }

        if (at.Host.Length == 0)
        {
            return false;
        }

        if (Canonical(at.Host) is not { } host)
        {
            problem = $"'{at.Host}' is not a host name or an IP address (IPv6 in brackets)";
            return false;
        }

        target = new PeerTarget(host, at.Port, isTls);
        problem = null;
        return true;
    }

    /// <summary>Whether the text is an IPv6 address without a port: it has no brackets and at least two colons.</summary>
    private static bool IsBareIPv6(string authority) => authority is not (['[', ..] or [.., ']']) && authority.Count(c => c == ':') > 1;

    /// <summary>The canonical spelling of a name or an address; null if the text is neither.</summary>
    private static string? Canonical(string host) =>
        HostPort.AddressOf(host) is { } address ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString()
        : Uri.CheckHostName(host) == UriHostNameType.Dns && !host.All(c => char.IsAsciiDigit(c) || c == '.') ? host.ToLowerInvariant()
        : null;
}
