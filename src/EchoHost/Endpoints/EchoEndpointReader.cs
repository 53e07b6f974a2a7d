using EchoHost.Configuration;
using EchoHost.Connections.Tls;
using EchoHost.Echo;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EchoHost.Endpoints;

/// <summary>Reads the echo endpoints from their options and from PORT.</summary>
internal static class EchoEndpointReader
{
    /// <summary>The port of the endpoint <c>Tcp</c>, as container platforms give it.</summary>
    public const string PortKey = "PORT";

    private const string DefaultEndpoint = "Tcp";
    private const string DefaultUrl = "tcp://*:5555";

    /// <summary>The endpoints that can be used; what is wrong with the others is added to <paramref name="problems"/>.</summary>
    public static IReadOnlyList<EchoEndpoint> Read(EchoOptions echo, string? port, List<string> problems)
    {
        if (echo.Endpoints.Count == 0 || (!string.IsNullOrEmpty(port) && !echo.Endpoints.ContainsKey(DefaultEndpoint)))
        {
            echo.Endpoints[DefaultEndpoint] = new EchoEndpointOptions();
        }

        List<EchoEndpoint> endpoints = [];
        foreach (var (name, options) in echo.Endpoints)
        {
            if (name.Equals(HttpAddress.EndpointName, StringComparison.OrdinalIgnoreCase))
            {
                problems.Add($"{EchoOptions.SectionName}:Endpoints:{name} has the name that the HTTP endpoint has in metrics; give it another");
                continue;
            }

            var isDefault = name.Equals(DefaultEndpoint, StringComparison.OrdinalIgnoreCase);
            var url = options.Url ?? (isDefault ? DefaultUrl : "");
            var isByPort = isDefault && !string.IsNullOrEmpty(port);
            if (ConfigurationException.Collect(() => WithOptions(isByPort ? ParseWithPort(name, url, port!) : EchoEndpoint.Parse(name, url), options, echo.Limits), problems) is { } endpoint)
            {
                endpoints.Add(endpoint);
            }
        }

        return endpoints;
    }

    private static EchoEndpoint WithOptions(EchoEndpoint endpoint, EchoEndpointOptions options, EchoLimitsOptions limits)
    {
        var section = $"{EchoOptions.SectionName}:Endpoints:{endpoint.Name}";
        endpoint = endpoint with { Mode = ModeOf(endpoint, options.Mode, $"{section}:Mode") };
        var certificate = options.Certificate;
        if (!endpoint.IsTls)
        {
            if (options.ClientCertificateMode != ClientCertificateMode.NoCertificate)
            {
                throw new ConfigurationException($"{section}:ClientCertificateMode is '{options.ClientCertificateMode}', but {section}:Url is '{endpoint.Url}', which is not tls://");
            }

            if (options.ClientCertificateAuthorities is { } unused)
            {
                throw new ConfigurationException($"{section}:ClientCertificateAuthorities is '{unused}', but {section}:Url is '{endpoint.Url}', which is not tls://");
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

        var file = new CertificateFile(certificate);
        try
        {
            file.Load();
        }
        catch (Exception e) when (CertificateFile.IsUnreadable(e))
        {
            throw new ConfigurationException($"{section}:Certificate:{file.Explain(e)}");
        }

        CheckAuthorities(section, options);
        return endpoint with { ProxyProtocol = options.ProxyProtocol, Tls = new TlsSettings(certificate, options.ClientCertificateMode, options.ClientCertificateAuthorities, limits.TlsHandshakeTimeout) };
    }

    private static void CheckAuthorities(string section, EchoEndpointOptions options)
    {
        if (options.ClientCertificateAuthorities is not { } path)
        {
            return;
        }

        if (options.ClientCertificateMode == ClientCertificateMode.NoCertificate)
        {
            throw new ConfigurationException($"{section}:ClientCertificateAuthorities is '{path}', but {section}:ClientCertificateMode is 'NoCertificate'; expected AllowCertificate or RequireCertificate");
        }

        try
        {
            new AuthoritiesFile(path).Load();
        }
        catch (Exception e) when (CertificateFile.IsUnreadable(e))
        {
            throw new ConfigurationException($"{section}:ClientCertificateAuthorities is '{path}': {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    private static UnixFileMode ModeOf(EchoEndpoint endpoint, string? mode, string key)
    {
        const UnixFileMode ownerAndGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        if (string.IsNullOrEmpty(mode))
        {
            return ownerAndGroup;
        }

        return !endpoint.IsUnix ? throw new ConfigurationException($"{key} is '{mode}', but {key[..^"Mode".Length]}Url is '{endpoint.Url}', which is not unix:")
            : mode.Length is 3 or 4 && mode.All(c => c is >= '0' and <= '7') && Convert.ToInt32(mode, 8) is <= 0b111_111_111 and var bits ? (UnixFileMode)bits
            : throw new ConfigurationException($"{key} is '{mode}'; expected a file mode in octal digits, as in 0660");
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
}
