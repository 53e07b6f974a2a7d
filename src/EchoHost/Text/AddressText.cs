using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace EchoHost.Text;

/// <summary>Parses IP addresses in their usual notation only; .NET's parser accepts others too.</summary>
internal static class AddressText
{
    /// <summary>
    /// Parses <c>192.0.2.1</c> or <c>2001:db8::1</c>. Rejects what .NET's parser reads differently from most people: <c>10.1</c>
    /// (10.0.0.1), a bare number, <c>010.0.0.1</c> (8.0.0.1), and an IPv6 address in brackets, after which it ignores a port.
    /// </summary>
    public static bool TryParse(string text, out IPAddress address)
    {
        var isAddress = IPAddress.TryParse(text, out var parsed)
            && (parsed.AddressFamily == AddressFamily.InterNetwork ? parsed.ToString() == text : text.AsSpan().IndexOfAny("[]/") < 0);
        address = isAddress ? parsed! : IPAddress.None;
        return isAddress;
    }

    /// <summary>Parses <c>192.0.2.1:443</c> or <c>[2001:db8::1]:443</c>.</summary>
    public static bool TryParseEndPoint(string text, [NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = HostPort.TryParse(text, out var parsed, out _) && HostPort.AddressOf(parsed.Host) is { } address
            ? new IPEndPoint(address, parsed.Port)
            : null;
        return endPoint is not null;
    }
}
