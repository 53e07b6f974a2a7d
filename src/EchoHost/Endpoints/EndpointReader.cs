using EchoHost.Configuration;
using EchoHost.Metrics;
using EchoHost.Text;

namespace EchoHost.Endpoints;

/// <summary>Reads the raw endpoints from their options and from PORT.</summary>
internal static class EndpointReader
{
    /// <summary>The section <c>Echo:Endpoints</c>.</summary>
    public const string Section = "Echo:Endpoints";

    /// <summary>The port of the endpoint <c>Tcp</c>, as container platforms set it.</summary>
    public const string PortKey = "PORT";

    private const string DefaultEndpoint = "Tcp";
    private const string DefaultUrl = "tcp://*:5555";

    /// <summary>Reads all endpoints.</summary>
    /// <param name="configured">The options by endpoint name.</param>
    /// <param name="port">The value of PORT.</param>
    /// <param name="problems">Collects the errors of endpoints that can't be used.</param>
    public static IReadOnlyList<ListenEndpoint> Read(IReadOnlyDictionary<string, EndpointOptions> configured, string? port, ConfigurationProblems problems)
    {
        var options = new Dictionary<string, EndpointOptions>(configured, StringComparer.OrdinalIgnoreCase);
        if (options.Count == 0 || !string.IsNullOrEmpty(port))
        {
            options.TryAdd(DefaultEndpoint, new EndpointOptions());
        }

        List<ListenEndpoint> endpoints = [];
        foreach (var (name, option) in options)
        {
            if (problems.Collect(() => Read(name, option, port)) is { } endpoint)
            {
                endpoints.Add(endpoint);
            }
        }

        return endpoints;
    }

    private static ListenEndpoint Read(string name, EndpointOptions options, string? port)
    {
        var section = $"{Section}:{name}";
        if (name.Equals(EchoMetrics.HttpEndpoint, StringComparison.OrdinalIgnoreCase))
        {
            throw new ConfigurationException($"{section} has the name that the HTTP endpoint has in metrics; give it another");
        }

        var isDefault = name.Equals(DefaultEndpoint, StringComparison.OrdinalIgnoreCase);
        var url = options.Url ?? (isDefault ? DefaultUrl : "");
        var endpoint = isDefault && !string.IsNullOrEmpty(port) ? ParseWithPort(name, url, port) : ListenEndpoint.Parse(name, url);
        endpoint = endpoint with
        {
            Mode = ModeOf(endpoint, options.Mode, section),
            Service = options.Service,
            ProxyProtocol = options.ProxyProtocol,
            Faults = options.Faults,
        };
        if (!endpoint.IsTls)
        {
            options.Tls.CheckUnused(section, endpoint.Url);
            return endpoint;
        }

        options.Tls.Check(section, endpoint.Url);
        return endpoint with { Tls = options.Tls };
    }

    private static UnixFileMode ModeOf(ListenEndpoint endpoint, string? mode, string section)
    {
        const UnixFileMode ownerAndGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        if (string.IsNullOrEmpty(mode))
        {
            return ownerAndGroup;
        }

        if (!endpoint.IsUnix)
        {
            throw new ConfigurationException($"{section}:Mode is '{mode}', but {section}:Url is '{endpoint.Url}', which is not unix:");
        }

        const int highest = 0b111_111_111;
        return mode.Length is 3 or 4 && mode.All(digit => digit is >= '0' and <= '7') && Convert.ToInt32(mode, 8) is <= highest and var bits
            ? (UnixFileMode)bits
            : throw new ConfigurationException($"{section}:Mode is '{mode}'; expected a file mode in octal digits, as in 0660");
    }

    private static ListenEndpoint ParseWithPort(string name, string url, string port)
    {
        if (!HostPort.TryParsePort(port, out _))
        {
            throw new ConfigurationException($"{PortKey} is '{port}'; expected a port, 0 to 65535");
        }

        if (ListenEndpoint.IsUnixUrl(url))
        {
            throw new ConfigurationException($"{PortKey} is '{port}', but {Section}:{DefaultEndpoint}:Url is '{url}', which has no port");
        }

        var authority = url.IndexOf("//", StringComparison.Ordinal) is >= 0 and var slashes ? slashes + 2 : 0;
        var withPort = $"{url[..authority]}{HostPort.WithoutPort(url[authority..].TrimEnd('/'))}:{port}";
        return ListenEndpoint.Parse(name, withPort) with { Setting = $"{PortKey} is '{port}'" };
    }
}
