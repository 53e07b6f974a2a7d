using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EchoHost.Configuration;
using EchoHost.Connections.Tls;
using EchoHost.Peers;
using EchoHost.Text;

namespace EchoHost.Commands;

/// <summary>The options for a peer and the connection to it, shared by the commands that connect to a peer.</summary>
internal sealed class ConnectionArguments
{
    private readonly Argument<string> _target = new("HOST:PORT")
    {
        Description = "The peer (HOST alone: port 5555); tls://HOST:PORT is the same as --tls",
    };

    private readonly Option<bool> _tls = new("--tls") { Description = "Use TLS" };
    private readonly Option<string?> _serverName = new("--servername")
    {
        Description = "The name to ask for and to expect in the certificate (default: HOST)",
        HelpName = "NAME",
    };

    private readonly Option<bool> _insecure = new("--insecure") { Description = "Accept any certificate" };
    private readonly Option<string?> _ca = new("--ca")
    {
        Description = "Accept only certificates that these authorities issued (PEM)",
        HelpName = "FILE",
    };

    private readonly Option<string?> _cert = new("--cert") { Description = "The client certificate to show (PEM or PFX)", HelpName = "FILE" };
    private readonly Option<string?> _key = new("--key") { Description = "The certificate's key, if in another file (PEM)", HelpName = "FILE" };
    private readonly Option<string?> _proxy = new("--proxy") { Description = "Begin with a PROXY header: v1 or v2", HelpName = "v1|v2" };
    private readonly Option<string?> _proxySource = new("--proxy-source")
    {
        Description = "The client address in that header (default: the connection's own)",
        HelpName = "IP:PORT",
    };

    private readonly Option<bool> _v4 = new("-4") { Description = "Use IPv4 only, if HOST is a name" };
    private readonly Option<bool> _v6 = new("-6") { Description = "Use IPv6 only, if HOST is a name" };
    private readonly Option<string?> _source = new("--source") { Description = "The address of this machine to connect from", HelpName = "IP" };
    private readonly Option<string?> _timeout = new("--timeout")
    {
        Description = "The time limit for connecting, and for each message (5s)",
        HelpName = "TIME",
    };

    public void AddTo(Command command)
    {
        command.Arguments.Insert(0, _target);
        foreach (var option in new Option[] { _timeout, _v4, _v6, _source, _tls, _serverName, _insecure, _ca, _cert, _key, _proxy, _proxySource })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Reads the options.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="other">Another peer that the options are for.</param>
    /// <exception cref="ConfigurationException">An option or argument can't be used.</exception>
    public (PeerTarget Target, PeerLink Link, TimeSpan Timeout) Read(ParseResult parsed, PeerTarget? other = null)
    {
        if (parsed.UnmatchedTokens is [var unknown, ..])
        {
            // The parser leaves unknown tokens to the command, since for the host they are configuration.
            throw new ConfigurationException($"'{unknown}' is neither an option nor an argument of this command");
        }

        var target = ReadTarget("HOST:PORT", parsed.GetValue(_target)!);
        target = target with { IsTls = target.IsTls || parsed.GetValue(_tls) };
        var (family, source) = ReadFamily(parsed, target);
        var timeout = parsed.Time(_timeout, least: TimeSpan.FromMilliseconds(1)) ?? TimeSpan.FromSeconds(5);
        return (target, new PeerLink(ReadProxy(parsed), ReadTls(parsed, target.IsTls || other is { IsTls: true }), family, source), timeout);
    }

    /// <summary>Parses the address of a peer.</summary>
    /// <param name="name">The argument or option that gives it.</param>
    /// <param name="text">Its value.</param>
    /// <exception cref="ConfigurationException">It is not one.</exception>
    public static PeerTarget ReadTarget(string name, string text) =>
        PeerTarget.TryParse(text, out var target, out var problem, mayLackPort: true)
            ? target!
            : throw new ConfigurationException($"{name} is '{text}': {problem}");

    private (AddressFamily Family, IPAddress? Source) ReadFamily(ParseResult parsed, PeerTarget target)
    {
        var (isV4, isV6) = (parsed.GetValue(_v4), parsed.GetValue(_v6));
        if (isV4 && isV6)
        {
            throw new ConfigurationException($"{_v4.Name} and {_v6.Name} exclude each other");
        }

        var family = isV4 ? AddressFamily.InterNetwork : isV6 ? AddressFamily.InterNetworkV6 : AddressFamily.Unspecified;
        var option = isV4 ? _v4.Name : _v6.Name;
        var address = (target.KnownEndPoint as IPEndPoint)?.Address;
        if (address is not null && family != AddressFamily.Unspecified && address.AddressFamily != family)
        {
            throw new ConfigurationException($"{option} is given, but {address} is an {Name(address.AddressFamily)} address");
        }

        if (parsed.GetValue(_source) is not { } text)
        {
            return (family, null);
        }

        if (!AddressText.TryParse(text, out var source))
        {
            throw new ConfigurationException($"{_source.Name} is '{text}'; expected an IP address");
        }

        if (family != AddressFamily.Unspecified && source.AddressFamily != family)
        {
            throw new ConfigurationException($"{_source.Name} is '{text}', an {Name(source.AddressFamily)} address, but {option} is given");
        }

        if (address is not null && address.AddressFamily != source.AddressFamily)
        {
            throw new ConfigurationException(
                $"{_source.Name} is '{text}', an {Name(source.AddressFamily)} address, but {address} is {Name(address.AddressFamily)}");
        }

        return (source.AddressFamily, source);
    }

    private static string Name(AddressFamily family) => family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";

    private ProxyPreamble? ReadProxy(ParseResult parsed)
    {
        IPEndPoint? source = null;
        if (parsed.GetValue(_proxySource) is { } given)
        {
            source = AddressText.TryParseEndPoint(given, out var endPoint)
                ? endPoint
                : throw new ConfigurationException($"{_proxySource.Name} is '{given}'; expected IP:PORT");
        }

        return parsed.GetValue(_proxy) switch
        {
            "v1" => new ProxyPreamble(1, source),
            "v2" => new ProxyPreamble(2, source),
            null when source is null => null,
            null => throw new ConfigurationException($"{_proxySource.Name} is '{source}', but {_proxy.Name} is not given"),
            var other => throw new ConfigurationException($"{_proxy.Name} is '{other}'; expected v1 or v2"),
        };
    }

    private PeerTls? ReadTls(ParseResult parsed, bool isUsed)
    {
        var serverName = parsed.GetValue(_serverName);
        var isInsecure = parsed.GetValue(_insecure);
        var ca = parsed.GetValue(_ca);
        var cert = parsed.GetValue(_cert);
        var key = parsed.GetValue(_key);
        if (!isUsed)
        {
            Option? unused = serverName is not null ? _serverName
                : isInsecure ? _insecure
                : ca is not null ? _ca
                : cert is not null ? _cert
                : key is not null ? _key
                : null;
            return unused is null ? null : throw new ConfigurationException($"{unused.Name} needs {_tls.Name}");
        }

        if (serverName is not null && Uri.CheckHostName(serverName) is UriHostNameType.Unknown or UriHostNameType.Basic)
        {
            throw new ConfigurationException($"{_serverName.Name} is '{serverName}'; expected a host name");
        }

        if (isInsecure && ca is not null)
        {
            throw new ConfigurationException($"{_ca.Name} is '{ca}', but with {_insecure.Name} any certificate is believed");
        }

        if (key is not null && cert is null)
        {
            throw new ConfigurationException($"{_key.Name} is '{key}', but {_cert.Name} is not given");
        }

        if (key is not null && !File.Exists(key))
        {
            throw new ConfigurationException($"{_key.Name} is '{key}', which can't be found");
        }

        var certificate = cert is null
            ? null
            : ReadFile(_cert, cert, () => new CertificateFile(new CertificateOptions { Path = cert, KeyPath = key ?? "" }).Load());
        var authorities = ca is null ? null : ReadFile(_ca, ca, () => ReadAuthorities(ca));
        return new PeerTls(isInsecure, authorities, certificate, serverName);
    }

    private static X509Certificate2Collection ReadAuthorities(string path)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(path);
        return authorities.Count > 0 ? authorities : throw new CryptographicException("it holds no certificate");
    }

    private static T ReadFile<T>(Option option, string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (CertificateFile.IsUnreadable(e))
        {
            // The framework throws ArgumentException only if the key does not match the certificate.
            var fault = e is ArgumentException ? "the key does not match the certificate" : e.Message.ReplaceLineEndings(" ");
            throw new ConfigurationException($"{option.Name} is '{path}': {fault}");
        }
    }
}
