using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace EchoHost.Text;

/// <summary>A host and a port: <c>echo.example:5555</c>, <c>192.0.2.1:443</c>, <c>[2001:db8::1]:443</c>.</summary>
/// <param name="Host">
/// The host as written, with brackets around an IPv6 address. It may be any text, even an empty one; the caller validates
/// it.
/// </param>
/// <param name="Port">0–65535.</param>
internal readonly record struct HostPort(string Host, int Port)
{
    /// <summary>Parses <c>HOST:PORT</c>.</summary>
    /// <param name="text">The text to parse.</param>
    /// <param name="parsed">The host and the port.</param>
    /// <param name="problem">What is wrong with the port, in words; null if there is no port, or on success.</param>
    /// <param name="defaultPort">The port for a <c>HOST</c> without one; null if a port is required.</param>
    /// <param name="minPort">The lowest valid port; 1 if port 0 can't be used.</param>
    public static bool TryParse(string text, out HostPort parsed, out string? problem, int? defaultPort = null, int minPort = 0)
    {
        (parsed, problem) = (default, null);
        if (defaultPort is { } fallback && !HasPort(text))
        {
            parsed = new HostPort(text, fallback);
            return true;
        }

        var colon = text.LastIndexOf(':');
        if (colon < 0)
        {
            return false;
        }

        if (!TryParsePort(text[(colon + 1)..], out var port) || port < minPort)
        {
            problem = $"'{text[(colon + 1)..]}' is not a port ({minPort}–{IPEndPoint.MaxPort})";
            return false;
        }

        parsed = new HostPort(text[..colon], port);
        return true;
    }

    /// <summary>Parses a port: digits only, 0–65535.</summary>
    public static bool TryParsePort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= IPEndPoint.MaxPort;

    /// <summary>The host of a text that may have a port.</summary>
    public static string WithoutPort(string text) => HasPort(text) ? text[..text.LastIndexOf(':')] : text;

    /// <summary>The IP address in a host, IPv6 in brackets and IPv4 without; null if the host is a name or not valid.</summary>
    public static IPAddress? AddressOf(string host)
    {
        var isIPv6 = host is ['[', .., ']'];
        var family = isIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        return AddressText.TryParse(isIPv6 ? host[1..^1] : host, out var address) && address.AddressFamily == family ? address : null;
    }

    /// <summary>Whether the text has a port. Colons inside brackets belong to an address.</summary>
    private static bool HasPort(string text) => text.LastIndexOf(':') > text.LastIndexOf(']');
}
