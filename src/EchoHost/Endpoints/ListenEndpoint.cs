using System.Net;
using System.Net.Sockets;
using System.Text;
using EchoHost.Configuration;
using EchoHost.Connections.Faults;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;
using EchoHost.Text;
using EchoHost.Transport;

namespace EchoHost.Endpoints;

/// <summary>A raw endpoint after parsing: its name and its addresses.</summary>
/// <param name="Name">The key below <c>Echo:Endpoints</c>; the label <c>endpoint</c> of the metrics.</param>
/// <param name="Url">As configured, with PORT applied.</param>
/// <param name="Addresses">One address, or two for <c>localhost</c>.</param>
internal sealed record ListenEndpoint(string Name, string Url, IReadOnlyList<EndPoint> Addresses)
{
    /// <summary>The key and its value, for the start of an error message: PORT if that set the port.</summary>
    public string Setting { get; init; } = $"{KeyOf(Name)} is '{Url}'";

    /// <summary>What the endpoint does with a connection.</summary>
    public EndpointService Service { get; init; }

    /// <summary>What the endpoint does wrong on purpose by configuration; null for nothing.</summary>
    public FaultOptions? Faults { get; init; }

    /// <summary>Whether connections of trusted proxies start with a PROXY header.</summary>
    public ProxyProtocolMode ProxyProtocol { get; init; }

    /// <summary>The TLS options; null without TLS.</summary>
    public TlsOptions? Tls { get; init; }

    /// <summary>The file mode of a Unix socket, which decides which users may connect.</summary>
    public UnixFileMode Mode { get; init; }

    public bool IsUnix => Addresses[0] is UnixDomainSocketEndPoint;

    /// <summary>Whether the URL asks for TLS.</summary>
    public bool IsTls => Url.StartsWith(TlsScheme, StringComparison.OrdinalIgnoreCase);

    /// <summary>The maximum length of a Unix socket's path: <c>sun_path</c> without its terminating zero (unix(7)).</summary>
    private const int MaxUnixPath = 107;

    private const string UnixScheme = "unix:";
    private const string TcpScheme = "tcp://";
    private const string TlsScheme = "tls://";
    private const string Shapes = "expected tcp://HOST:PORT or tls://HOST:PORT (HOST an IP address, * or localhost) or unix:/PATH";

    /// <summary>
    /// Parses a configured URL. <c>*</c> means IPv4 and IPv6, <c>localhost</c> both loopback addresses (with port 0 only
    /// the IPv4 one, since the two would get different ports); port 0 picks a free one.
    /// </summary>
    /// <exception cref="ConfigurationException">The URL can't be used; the message names the key and the URL.</exception>
    public static ListenEndpoint Parse(string name, string url)
    {
        ConfigurationException Problem(string what) => new($"{KeyOf(name)} is '{url}': {what}");

        if (IsUnixUrl(url))
        {
            var path = url[UnixScheme.Length..];
            if (!Path.IsPathRooted(path))
            {
                throw Problem("the path of a Unix socket must begin with /");
            }

            return Encoding.UTF8.GetByteCount(path) <= MaxUnixPath
                ? new ListenEndpoint(name, url, [new UnixDomainSocketEndPoint(path)])
                : throw Problem($"the path of a Unix socket has at most {MaxUnixPath} bytes");
        }

        if (!url.StartsWith(TcpScheme, StringComparison.OrdinalIgnoreCase) && !url.StartsWith(TlsScheme, StringComparison.OrdinalIgnoreCase))
        {
            throw Problem(Shapes);
        }

        if (!HostPort.TryParse(url[TcpScheme.Length..].TrimEnd('/'), out var at, out var problem))
        {
            throw Problem(problem ?? Shapes);
        }

        var addresses = AddressesOf(at.Host, at.Port) ?? throw Problem($"'{at.Host}' is not an IP address, * or localhost");
        return new ListenEndpoint(name, url, [.. addresses.Select(address => new NamedIPEndPoint(name, address, at.Port))]);
    }

    /// <summary>Whether a configured URL names a Unix socket.</summary>
    public static bool IsUnixUrl(string url) => url.StartsWith(UnixScheme, StringComparison.OrdinalIgnoreCase);

    private static string KeyOf(string name) => $"{EndpointReader.Section}:{name}:Url";

    private static IPAddress[]? AddressesOf(string host, int port) => host switch
    {
        "*" or "+" => [Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any],
        "localhost" when !Loopback.HasIPv4 => [IPAddress.IPv6Loopback],
        "localhost" when port != 0 && Loopback.HasIPv6 => [IPAddress.Loopback, IPAddress.IPv6Loopback],
        "localhost" => [IPAddress.Loopback],
        _ => HostPort.AddressOf(host) is { } address ? [address] : null,
    };
}

/// <summary>An address of a raw endpoint that carries the endpoint's name to the transport.</summary>
internal sealed class NamedIPEndPoint(string endpointName, IPAddress address, int port) : IPEndPoint(address, port)
{
    public string EndpointName { get; } = endpointName;
}
