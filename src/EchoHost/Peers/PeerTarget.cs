using System.Net;
using System.Net.Sockets;
using EchoHost.Endpoints;
using EchoHost.Text;

namespace EchoHost.Peers;

/// <summary>Which peer is meant.</summary>
/// <param name="Host">A host name or an IP address, without brackets; TLS expects this name in the certificate.</param>
/// <param name="Port">1–65535.</param>
/// <param name="IsTls">Whether the peer speaks TLS.</param>
internal sealed record PeerTarget(string Host, int Port, bool IsTls)
{
    /// <summary>How a target is written.</summary>
    public const string Shapes = "expected HOST:PORT or tls://HOST:PORT";

    private const string TlsScheme = "tls://";

    /// <summary>The port where none is given: the echo endpoint's default.</summary>
    public const int DefaultPort = 5555;

    /// <summary>The one address meant, where a name stands for several peers; null where the name is to be resolved.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>The address, where there is nothing to resolve.</summary>
    public IPAddress? KnownAddress => Address ?? (IPAddress.TryParse(Host, out var literal) ? literal : null);

    /// <summary><c>10.0.0.2:5555</c>, <c>[2001:db8::1]:5555</c>, <c>echo.example:5555</c>: how the peer is called everywhere.</summary>
    public string Name => Address is not null ? new IPEndPoint(Address, Port).ToString() : Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

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

        if (mayLackPort)
        {
            authority = WithPort(authority);
        }

        var colon = authority.LastIndexOf(':');
        if (colon <= 0)
        {
            return false;
        }

        var (host, portText) = (authority[..colon], authority[(colon + 1)..]);
        if (!ListenEndpoint.TryParsePort(portText, out var port) || port == 0)
        {
            problem = $"'{portText}' is not a port (1–65535)";
            return false;
        }

        if (!IsHost(host))
        {
            problem = $"'{host}' is not a host name or an IP address (IPv6 in brackets)";
            return false;
        }

        target = new PeerTarget(Canonical(host.Trim('[', ']')), port, isTls);
        problem = null;
        return true;
    }

    /// <summary>Two colons and more are an IPv6 address, and no port.</summary>
    private static string WithPort(string authority) => authority switch
    {
        "" => authority,
        [.., ']'] => $"{authority}:{DefaultPort}",
        ['[', ..] => authority,
        _ when !authority.Contains(':') => $"{authority}:{DefaultPort}",
        _ when authority.IndexOf(':') != authority.LastIndexOf(':') => $"[{authority}]:{DefaultPort}",
        _ => authority,
    };

    private static string Canonical(string host) =>
        IPAddress.TryParse(host, out var address) ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString() : host.ToLowerInvariant();

    private static bool IsHost(string host) => host switch
    {
        ['[', .. var inner, ']'] => AddressText.TryParse(inner, out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6,
        _ when host.Contains(':') => false,
        _ when host.All(c => char.IsAsciiDigit(c) || c == '.') => AddressText.TryParse(host, out _),
        _ => Uri.CheckHostName(host) == UriHostNameType.Dns,
    };
}
