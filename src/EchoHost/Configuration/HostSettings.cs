using System.Net;
using System.Net.Sockets;
using EchoHost.Connections.Admission;
using EchoHost.Connections.Tls;
using EchoHost.Connections.Tracking;
using EchoHost.Echo;
using EchoHost.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EchoHost.Configuration;

/// <summary>
/// Everything the host was told, read once at start, complete and checked: past this point no part of the program
/// meets a bad value.
/// </summary>
/// <param name="Echo">The section <c>Echo</c>.</param>
/// <param name="Endpoints">The echo endpoints, PORT applied.</param>
/// <param name="Http">The section <c>Http</c>.</param>
/// <param name="Admin">The section <c>Admin</c>.</param>
/// <param name="TrustedProxies">Whose PROXY header is believed.</param>
/// <param name="QuietNetworks">Whose silent connections are not to be heard of.</param>
/// <param name="HttpAddresses">Where health, metrics and connections are served.</param>
/// <param name="Capacity">How many connections the echo and the HTTP endpoints may hold.</param>
internal sealed record HostSettings(
    EchoOptions Echo,
    IReadOnlyList<EchoEndpoint> Endpoints,
    HttpOptions Http,
    AdminOptions Admin,
    NetworkSet TrustedProxies,
    NetworkSet QuietNetworks,
    IReadOnlyList<HttpAddress> HttpAddresses,
    ConnectionCapacity Capacity)
{
    private const string PortKey = "PORT";
    private const string DefaultEndpoint = "Tcp";
    private const string DefaultUrl = "tcp://*:5555";
    private static readonly TimeSpan LongestTime = TimeSpan.FromDays(24);

    /// <summary>Whether an address belongs to the quiet networks.</summary>
    public bool IsQuiet(EndPoint? peer) => PeerAddress.Address(peer) is { } address && QuietNetworks.Contains(address);

    /// <summary>The echo endpoint that <paramref name="address"/> belongs to; null for an address of the HTTP endpoint.</summary>
    public EchoEndpoint? EndpointOf(EndPoint address) => address switch
    {
        EchoIPEndPoint own => Endpoints.First(e => e.Name == own.EndpointName),
        UnixDomainSocketEndPoint => Endpoints.FirstOrDefault(e => e.Addresses.Contains(address)),
        _ => null,
    };

    /// <exception cref="ConfigurationException">Something can't be used: one line a problem, naming key and value.</exception>
    public static HostSettings Read(IConfiguration configuration)
    {
        List<string> problems = [];
        NotYetSupported.Check(configuration, problems);
        var echo = SectionReader.Read<EchoOptions>(configuration, EchoOptions.SectionName, problems);
        var http = SectionReader.Read<HttpOptions>(configuration, HttpOptions.SectionName, problems);
        var admin = SectionReader.Read<AdminOptions>(configuration, AdminOptions.SectionName, problems);
        SectionReader.Read<PeersOptions>(configuration, PeersOptions.SectionName, problems);
        CheckRanges(echo, problems);
        if (admin.Problem is { } problem)
        {
            problems.Add($"{AdminOptions.SectionName}:Token {problem}");
        }

        var trusted = Collect(() => NetworkSet.Parse($"{EchoOptions.SectionName}:TrustedProxies", echo.TrustedProxies), problems);
        var quiet = Collect(() => NetworkSet.Parse($"{EchoOptions.SectionName}:QuietNetworks", echo.QuietNetworks), problems);
        ThrowIfAny(problems);

        var endpoints = ParseEndpoints(echo, configuration[PortKey], problems);
        var addresses = Collect(() => HttpAddress.ParseAll(configuration[HttpAddress.Key]), problems) ?? [];
        var capacity = Collect(() => ConnectionCapacity.From(echo.Limits.MaxConnections, DescriptorLimit.Read()), problems);
        ThrowIfAny(problems);
        return new HostSettings(echo, endpoints, http, admin, trusted!, quiet!, addresses, capacity!);
    }

    private static void ThrowIfAny(List<string> problems)
    {
        if (problems.Count > 0)
        {
            // A key can be refused for two reasons at once; the first says it all.
            throw new ConfigurationException([.. problems.DistinctBy(p => p.Split(' ')[0])]);
        }
    }

    private static void CheckRanges(EchoOptions echo, List<string> problems)
    {
        void AtLeast(string key, int? value, int least)
        {
            if (value < least)
            {
                problems.Add($"{EchoOptions.SectionName}:{key} is '{value}'; expected {least} or more");
            }
        }

        void Time(string key, TimeSpan value, bool isNeeded = false)
        {
            var least = isNeeded ? TimeSpan.FromMilliseconds(1) : TimeSpan.Zero;
            if (value < least || value > LongestTime)
            {
                problems.Add($"{EchoOptions.SectionName}:{key} is '{value}'; expected {least} to {LongestTime}");
            }
        }

        AtLeast("MessageLogLimit", echo.MessageLogLimit, 0);
        AtLeast("Limits:MaxConnections", echo.Limits.MaxConnections, 1);
        AtLeast("Limits:MaxConnectionsPerAddress", echo.Limits.MaxConnectionsPerAddress, 1);
        Time("Limits:IdleTimeout", echo.Limits.IdleTimeout);
        Time("Limits:WriteTimeout", echo.Limits.WriteTimeout);
        Time("Limits:ProxyHeaderTimeout", echo.Limits.ProxyHeaderTimeout, isNeeded: true);
        Time("Limits:TlsHandshakeTimeout", echo.Limits.TlsHandshakeTimeout, isNeeded: true);
        Time("Shutdown:ReadinessDelay", echo.Shutdown.ReadinessDelay);
        Time("Shutdown:GracePeriod", echo.Shutdown.GracePeriod);
        Time("Shutdown:CloseSpread", echo.Shutdown.CloseSpread);
    }

    private static List<EchoEndpoint> ParseEndpoints(EchoOptions echo, string? port, List<string> problems)
    {
        if (echo.Endpoints.Count == 0 || (!string.IsNullOrEmpty(port) && !echo.Endpoints.ContainsKey(DefaultEndpoint)))
        {
            echo.Endpoints[DefaultEndpoint] = new EchoEndpointOptions();
        }

        List<EchoEndpoint> endpoints = [];
        foreach (var (name, given) in echo.Endpoints)
        {
            if (name.Equals(HttpAddress.EndpointName, StringComparison.OrdinalIgnoreCase))
            {
                problems.Add($"{EchoOptions.SectionName}:Endpoints:{name} has the name that the HTTP endpoint has in metrics; give it another");
                continue;
            }

            // A JSON null arrives as no options at all.
            var options = given ?? new EchoEndpointOptions();
            var isDefault = name.Equals(DefaultEndpoint, StringComparison.OrdinalIgnoreCase);
            var url = options.Url ?? (isDefault ? DefaultUrl : "");
            var isByPort = isDefault && !string.IsNullOrEmpty(port);
            if (Collect(() => WithOptions(isByPort ? ParseWithPort(name, url, port!) : EchoEndpoint.Parse(name, url), options, echo.Limits), problems) is { } endpoint)
            {
                endpoints.Add(endpoint);
            }
        }

        return endpoints;
    }

    private static EchoEndpoint WithOptions(EchoEndpoint endpoint, EchoEndpointOptions options, EchoLimitsOptions limits)
    {
        var section = $"{EchoOptions.SectionName}:Endpoints:{endpoint.Name}";
        var certificate = options.Certificate;
        if (!endpoint.IsTls)
        {
            if (options.ClientCertificateMode != ClientCertificateMode.NoCertificate)
            {
                throw new ConfigurationException($"{section}:ClientCertificateMode is '{options.ClientCertificateMode}', but {section}:Url is '{endpoint.Url}', which is not tls://");
            }

            return certificate.Path.Length == 0
                ? endpoint with { ProxyProtocol = options.ProxyProtocol }
                : throw new ConfigurationException($"{section}:Certificate:Path is '{certificate.Path}', but {section}:Url is '{endpoint.Url}', which is not tls://");
        }

        if (certificate.Path.Length == 0)
        {
            throw new ConfigurationException($"{section}:Certificate:Path is not set, but {section}:Url is '{endpoint.Url}', which needs a certificate");
        }

        if (options.ClientCertificateMode == ClientCertificateMode.DelayCertificate)
        {
            throw new ConfigurationException($"{section}:ClientCertificateMode is '{options.ClientCertificateMode}', which only HTTP has; expected NoCertificate, AllowCertificate or RequireCertificate");
        }

        try
        {
            new CertificateFile(certificate).Load();
        }
        catch (Exception e) when (CertificateFile.IsUnreadable(e))
        {
            var isKey = certificate.KeyPath.Length > 0 && e.Message.Contains(certificate.KeyPath, StringComparison.Ordinal);
            var (key, path) = isKey ? ("KeyPath", certificate.KeyPath) : ("Path", certificate.Path);
            var hint = e is IOException or UnauthorizedAccessException ? "" : " (is it a certificate with its key, KeyPath that key's file, and Password right?)";
            throw new ConfigurationException($"{section}:Certificate:{key} is '{path}': {e.Message.ReplaceLineEndings(" ")}{hint}");
        }

        return endpoint with { ProxyProtocol = options.ProxyProtocol, Tls = new TlsSettings(certificate, options.ClientCertificateMode, limits.TlsHandshakeTimeout) };
    }

    private static EchoEndpoint ParseWithPort(string name, string url, string port)
    {
        if (!EchoEndpoint.TryParsePort(port, out _))
        {
            throw new ConfigurationException($"{PortKey} is '{port}'; expected a port, 0 to 65535");
        }

        if (url.StartsWith("unix:", StringComparison.OrdinalIgnoreCase))
        {
            throw new ConfigurationException($"{PortKey} is '{port}', but {EchoOptions.SectionName}:Endpoints:{DefaultEndpoint}:Url is '{url}', which has no port");
        }

        var colon = url.LastIndexOf(':');
        var hasPort = colon > url.IndexOf("//", StringComparison.Ordinal) && colon > url.LastIndexOf(']');
        var withPort = $"{(hasPort ? url[..colon] : url.TrimEnd('/'))}:{port}";
        return EchoEndpoint.Parse(name, withPort) with { Setting = $"{PortKey} is '{port}'" };
    }

    private static T? Collect<T>(Func<T> read, List<string> problems)
        where T : class
    {
        try
        {
            return read();
        }
        catch (ConfigurationException e)
        {
            problems.AddRange(e.Problems);
            return null;
        }
    }
}
