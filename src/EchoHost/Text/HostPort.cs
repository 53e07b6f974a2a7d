using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace EchoHost.Text;

/// <summary>A host and a port as people write them: <c>echo.example:5555</c>, <c>192.0.2.1:443</c>, <c>[2001:db8::1]:443</c>.</summary>
/// <param name="Host">As it was written, an IPv6 address in brackets. It may be anything, the empty text too: what a host is, the caller knows.</param>
/// <param name="Port">0–65535.</param>
internal readonly record struct HostPort(string Host, int Port)
{
    /// <summary>Parses <c>HOST:PORT</c>.</summary>
    /// <param name="text">What was given.</param>
    /// <param name="parsed">The two of them.</param>
    /// <param name="problem">What is wrong with the port, in words; null where there is none.</param>
    /// <param name="defaultPort">The port of <c>HOST</c> alone; null where a port must be given.</param>
    /// <param name="minPort">1 where port 0 can't be used.</param>
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

    /// <summary>A port: digits only, 0–65535.</summary>
    public static bool TryParsePort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= IPEndPoint.MaxPort;

    /// <summary>The host alone, where a port may follow it or not.</summary>
    public static string WithoutPort(string text) => HasPort(text) ? text[..text.LastIndexOf(':')] : text;

    /// <summary>The IP address that a host is, IPv6 in brackets and IPv4 without; null where it is a name, or nothing of use.</summary>
    public static IPAddress? AddressOf(string host)
    {
        var isIPv6 = host is ['[', .., ']'];
        return AddressText.TryParse(isIPv6 ? host[1..^1] : host, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6 == isIPv6 ? address : null;
    }

    /// <summary>The colons in brackets are those of an address.</summary>
    private static bool HasPort(string text) => text.LastIndexOf(':') > text.LastIndexOf(']');
}
