using System.Net;
using EchoHost.Text;

namespace EchoHost.Peers;

/// <summary>Which peer is meant.</summary>
/// <param name="Host">A host name or an IP address, without brackets; TLS expects this name in the certificate.</param>
/// <param name="Port">1–65535; 0 for a Unix socket.</param>
/// <param name="IsTls">Whether the peer speaks TLS.</param>
internal sealed record PeerTarget(string Host, int Port, bool IsTls)
{
    /// <summary>How a target is written.</summary>
    public const string Shapes = "expected HOST:PORT or tls://HOST:PORT";

    private const string TlsScheme = "tls://";

    /// <summary>The port where none is given: the echo endpoint's default.</summary>
    public const int DefaultPort = 5555;

    /// <summary>The one end point meant, where a name stands for several peers, or where it is a Unix socket; null where the host and the port say it.</summary>
    public EndPoint? EndPoint { get; init; }

    /// <summary>The end point, where there is nothing to resolve.</summary>
    public EndPoint? KnownEndPoint => EndPoint ?? (IPAddress.TryParse(Host, out var literal) ? new IPEndPoint(literal, Port) : null);

    /// <summary><c>10.0.0.2:5555</c>, <c>[2001:db8::1]:5555</c>, <c>echo.example:5555</c>: how the peer is called everywhere.</summary>
    public string Name => EndPoint is not null ? EndPoint.ToString()! : Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    /// <summary>What listens at a known end point, which may be a Unix socket.</summary>
    /// <param name="endPoint">Where it listens.</param>
    /// <param name="isTls">Whether it speaks TLS.</param>
    /// <param name="host">The name that TLS expects in the certificate.</param>
    public static PeerTarget At(EndPoint endPoint, bool isTls, string host) => new(host, (endPoint as IPEndPoint)?.Port ?? 0, isTls) { EndPoint = endPoint };

    /// <summary>Parses <c>HOST:PORT</c> or <c>tls://HOST:PORT</c>; an IPv6 address stands in brackets.</summary>
    /// <param name="text">What was given.</param>
    /// <param name="target">The target, or null.</param>
    /// <param name="problem">What is wrong, in words, or null.</param>
    /// <param name="mayLackPort">Whether <c>HOST</c> alone stands for its port 5555; an IPv6 address may then do without brackets.</param>
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

    /// <summary>Two colons and more, without brackets, are an IPv6 address and no port.</summary>
    private static bool IsBareIPv6(string authority) => authority is not (['[', ..] or [.., ']']) && authority.Count(c => c == ':') > 1;

    /// <summary>A name or an address in its one spelling; null where it is neither.</summary>
    private static string? Canonical(string host) =>
        HostPort.AddressOf(host) is { } address ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString()
        : Uri.CheckHostName(host) == UriHostNameType.Dns && !host.All(c => char.IsAsciiDigit(c) || c == '.') ? host.ToLowerInvariant()
        : null;
}
