using System.Net;
using System.Net.Sockets;
using EchoHost.Connections.Admission;
using EchoHost.Echo;
using EchoHost.Http;

namespace EchoHost.Configuration;

/// <summary>
/// Everything the host was told, read once at start, complete and checked: past this point no part of the program
/// meets a bad value.
/// </summary>
/// <param name="Echo">The section <c>Echo</c>.</param>
/// <param name="Endpoints">The echo endpoints, PORT applied.</param>
/// <param name="HttpAddresses">Where health, metrics and connections are served.</param>
/// <param name="Capacity">How many connections the echo and the HTTP endpoints may hold.</param>
internal sealed record HostSettings(EchoOptions Echo, IReadOnlyList<EchoEndpoint> Endpoints, IReadOnlyList<HttpAddress> HttpAddresses, ConnectionCapacity Capacity)
{
    private const string PortKey = "PORT";
    private const string DefaultEndpoint = "Tcp";
    private const string DefaultUrl = "tcp://*:5555";
    private static readonly TimeSpan LongestTime = TimeSpan.FromDays(24);

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
        SectionReader.Read<HttpOptions>(configuration, HttpOptions.SectionName, problems);
        SectionReader.Read<AdminOptions>(configuration, AdminOptions.SectionName, problems);
        SectionReader.Read<PeersOptions>(configuration, PeersOptions.SectionName, problems);
        CheckRanges(echo, problems);
        ThrowIfAny(problems);

        var endpoints = ParseEndpoints(echo, configuration[PortKey], problems);
        var addresses = Collect(() => HttpAddress.ParseAll(configuration[HttpAddress.Key]), problems) ?? [];
        var capacity = Collect(() => ConnectionCapacity.From(echo.Limits.MaxConnections, DescriptorLimit.Read()), problems);
        ThrowIfAny(problems);
        return new HostSettings(echo, endpoints, addresses, capacity!);
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

        void Time(string key, TimeSpan value)
        {
            if (value < TimeSpan.Zero || value > LongestTime)
            {
                problems.Add($"{EchoOptions.SectionName}:{key} is '{value}'; expected 00:00:00 to {LongestTime}");
            }
        }

        AtLeast("MessageLogLimit", echo.MessageLogLimit, 0);
        AtLeast("Limits:MaxConnections", echo.Limits.MaxConnections, 1);
        AtLeast("Limits:MaxConnectionsPerAddress", echo.Limits.MaxConnectionsPerAddress, 1);
        Time("Limits:IdleTimeout", echo.Limits.IdleTimeout);
        Time("Limits:WriteTimeout", echo.Limits.WriteTimeout);
        Time("Shutdown:ReadinessDelay", echo.Shutdown.ReadinessDelay);
        Time("Shutdown:GracePeriod", echo.Shutdown.GracePeriod);
        Time("Shutdown:CloseSpread", echo.Shutdown.CloseSpread);
    }

    private static List<EchoEndpoint> ParseEndpoints(EchoOptions echo, string? port, List<string> problems)
    {
        if (echo.Endpoints.Count == 0 || (!string.IsNullOrEmpty(port) && !echo.Endpoints.ContainsKey(DefaultEndpoint)))
        {
            echo.Endpoints[DefaultEndpoint] = new EchoEndpointOptions { Url = DefaultUrl };
        }

        List<EchoEndpoint> endpoints = [];
        foreach (var (name, options) in echo.Endpoints)
        {
            var isByPort = !string.IsNullOrEmpty(port) && string.Equals(name, DefaultEndpoint, StringComparison.OrdinalIgnoreCase);
            if (Collect(() => isByPort ? ParseWithPort(name, options.Url, port!) : EchoEndpoint.Parse(name, options.Url), problems) is { } endpoint)
            {
                endpoints.Add(endpoint);
            }
        }

        return endpoints;
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
