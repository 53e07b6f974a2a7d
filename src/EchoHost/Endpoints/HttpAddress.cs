using System.Net;
using System.Net.Sockets;
using EchoHost.Configuration;
using EchoHost.Text;
using EchoHost.Transport;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace EchoHost.Endpoints;

/// <summary>
/// One address of the HTTP endpoint, from <c>Urls</c>. The host opens these listeners itself, because Kestrel ignores the URLs as
/// soon as code adds a listener.
/// </summary>
/// <param name="Url">As configured.</param>
/// <param name="Host">An IP address, <c>localhost</c>, <c>*</c> or <c>+</c>.</param>
/// <param name="Port">0–65535; 0 picks a free one.</param>
internal sealed record HttpAddress(string Url, string Host, int Port)
{
    public const string Key = "Urls";

    private const string Default = "http://localhost:8080";
    private const string LocalName = "localhost";

    /// <summary>Parses a list of URLs separated by semicolons; empty means the default.</summary>
    /// <exception cref="ConfigurationException">A URL can't be used.</exception>
    public static IReadOnlyList<HttpAddress> ParseAll(string? urls)
    {
        var all = (string.IsNullOrWhiteSpace(urls) ? Default : urls).Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return all.Length > 0 ? [.. all.Select(Parse)] : throw NotUrl(urls!);
    }

    /// <summary>Whether this address listens on <paramref name="address"/>.</summary>
    public bool IsAt(EndPoint address) => address is IPEndPoint ip && ip.Port == Port
        && (Host == LocalName && Port != 0 ? IPAddress.IsLoopback(ip.Address) : ip.Address.Equals(AddressOf(Host)));

    /// <summary>Adds the listener of this address, with the middleware of <paramref name="configure"/>.</summary>
    public void Listen(KestrelServerOptions kestrel, Action<ListenOptions> configure)
    {
        if (Host == LocalName && Port != 0)
        {
            kestrel.ListenLocalhost(Port, configure);
        }
        else
        {
            kestrel.Listen(new IPEndPoint(AddressOf(Host)!, Port), configure);
        }
    }

    /// <summary>
    /// The URL for a client on this machine, with <c>localhost</c> if the listener may be on either loopback address.
    /// </summary>
    public Uri LocalUri => new($"http://{LocalHost}:{Port}");

    /// <summary>Whether only clients on this machine can reach it.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(AddressOf(Host)!);

    private string LocalHost => Host switch
    {
        "*" or "+" or "[::]" or LocalName => LocalName,
        "0.0.0.0" => IPAddress.Loopback.ToString(),
        _ => Host,
    };

    private static HttpAddress Parse(string url)
    {
        const string scheme = "http://";
        var authority = url.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
            ? url[scheme.Length..].TrimEnd('/')
            : throw NotUrl(url);
        if (!HostPort.TryParse(authority, out var at, out var problem, defaultPort: 80))
        {
            throw new ConfigurationException($"{Key} is '{url}': {problem}");
        }

        var host = at.Host.ToLowerInvariant();
        return host == LocalName || AddressOf(host) is not null
            ? new HttpAddress(url, host, at.Port)
            : throw new ConfigurationException($"{Key} is '{url}': '{host}' is not an IP address, *, + or localhost");
    }

    private static ConfigurationException NotUrl(string url) => new($"{Key} is '{url}'; expected http://HOST:PORT");

    private static IPAddress? AddressOf(string host) => host switch
    {
        "*" or "+" => Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any,
        LocalName => Loopback.HasIPv4 ? IPAddress.Loopback : IPAddress.IPv6Loopback,
        _ => HostPort.AddressOf(host),
    };
}
