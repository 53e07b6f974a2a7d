using EchoHost.Configuration;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;
using EchoHost.Transport;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EchoHost.Echo;

/// <summary>The section <c>Echo</c>: what is listened on, what is said, and what the limits are.</summary>
internal sealed class EchoOptions
{
    public const string SectionName = "Echo";

    private const int MaxEventLoops = 1024;

    /// <summary>The raw endpoints by name.</summary>
    /// <remarks>Default: <c>Tcp</c> at <c>tcp://*:5555</c>, from appsettings.json.</remarks>
    public Dictionary<string, EchoEndpointOptions> Endpoints { get; set; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Which transport carries the bytes.</summary>
    /// <remarks>Default: <c>Auto</c>.</remarks>
    public TransportKind Transport { get; set; }

    /// <summary>How many event loops the epoll transport has.</summary>
    /// <remarks>Default: one a core.</remarks>
    public int? EventLoops { get; set; }

    /// <summary>How many event loops that makes.</summary>
    internal int LoopCount => EventLoops ?? Environment.ProcessorCount;

    /// <summary>Whether each message is logged.</summary>
    /// <remarks>Default: true.</remarks>
    public bool LogMessages { get; set; } = true;

    /// <summary>How many message lines are logged a second at the most.</summary>
    /// <remarks>Default: 100.</remarks>
    public int MessageLogLimit { get; set; } = 100;

    /// <summary>Networks whose silent connections are logged at Debug only.</summary>
    public string[] QuietNetworks { get; set; } = [];

    /// <summary>Networks whose PROXY header is believed.</summary>
    public string[] TrustedProxies { get; set; } = [];

    public EchoLimitsOptions Limits { get; set; } = new();

    public EchoShutdownOptions Shutdown { get; set; } = new();

    /// <summary>Reads the section.</summary>
    public static EchoOptions Read(SectionReader section)
    {
        var fallback = new EchoOptions();
        return new EchoOptions
        {
            Endpoints = section.Map(nameof(Endpoints), EchoEndpointOptions.Read),
            Transport = section.Choice(nameof(Transport), fallback.Transport),
            EventLoops = section.OptionalNumber(nameof(EventLoops), min: 1, max: MaxEventLoops),
            LogMessages = section.Flag(nameof(LogMessages), fallback.LogMessages),
            MessageLogLimit = section.Number(nameof(MessageLogLimit), fallback.MessageLogLimit),
            QuietNetworks = section.List(nameof(QuietNetworks)),
            TrustedProxies = section.List(nameof(TrustedProxies)),
            Limits = section.Section(nameof(Limits), EchoLimitsOptions.Read),
            Shutdown = section.Section(nameof(Shutdown), EchoShutdownOptions.Read),
        };
    }
}

/// <summary>The section <c>Echo:Endpoints:{Name}</c>.</summary>
internal sealed class EchoEndpointOptions
{
    /// <summary><c>tcp://HOST:PORT</c>, <c>tls://HOST:PORT</c> or <c>unix:PATH</c>; see <c>EchoEndpoint.Parse</c>.</summary>
    /// <remarks>Default: none, but for <c>Tcp</c>.</remarks>
    public string? Url { get; set; }

    /// <summary>Whether trusted proxies begin with a PROXY header.</summary>
    /// <remarks>Default: <c>Off</c>.</remarks>
    public ProxyProtocolMode ProxyProtocol { get; set; }

    /// <summary>The file mode of a <c>unix:</c> endpoint, in octal digits.</summary>
    /// <remarks>Default: <c>0660</c>.</remarks>
    public string? Mode { get; set; }

    /// <summary>What a <c>tls://</c> endpoint shows.</summary>
    public CertificateOptions Certificate { get; set; } = new();

    /// <summary>Whether a <c>tls://</c> endpoint asks its peers for a certificate.</summary>
    /// <remarks>Default: <c>NoCertificate</c>.</remarks>
    public ClientCertificateMode ClientCertificateMode { get; set; }

    /// <summary>The PEM file of those whose client certificates are taken.</summary>
    /// <remarks>Default: those that the system trusts.</remarks>
    public string? ClientCertificateAuthorities { get; set; }

    /// <summary>Reads the section.</summary>
    public static EchoEndpointOptions Read(SectionReader section) => new()
    {
        Url = section.Text(nameof(Url)),
        ProxyProtocol = section.Choice<ProxyProtocolMode>(nameof(ProxyProtocol)),
        Mode = section.Text(nameof(Mode)),
        Certificate = section.Section(nameof(Certificate), CertificateOptions.Read),
        ClientCertificateMode = section.Choice<ClientCertificateMode>(nameof(ClientCertificateMode)),
        ClientCertificateAuthorities = section.Text(nameof(ClientCertificateAuthorities)) is { Length: > 0 } path ? path : null,
    };
}

/// <summary>The section <c>Echo:Limits</c>.</summary>
internal sealed class EchoLimitsOptions
{
    /// <summary>How many connections all echo endpoints together hold.</summary>
    /// <remarks>Default: what the descriptor limit allows, less a reserve.</remarks>
    public int? MaxConnections { get; set; }

    /// <summary>How many connections one address may hold.</summary>
    /// <remarks>Default: no limit.</remarks>
    public int? MaxConnectionsPerAddress { get; set; }

    /// <summary>A connection on which no byte has moved in either direction for this long is closed; zero is off.</summary>
    /// <remarks>Default: ten minutes.</remarks>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>A connection whose peer takes nothing of what waits to be sent for this long is aborted; zero is off.</summary>
    /// <remarks>Default: 30 seconds.</remarks>
    public TimeSpan WriteTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a PROXY header may take, from the connection's start (where it is optional, from the first byte) to its last byte.</summary>
    /// <remarks>Default: 5 seconds.</remarks>
    public TimeSpan ProxyHeaderTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a TLS handshake may take.</summary>
    /// <remarks>Default: 10 seconds.</remarks>
    public TimeSpan TlsHandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Reads the section.</summary>
    public static EchoLimitsOptions Read(SectionReader section)
    {
        var fallback = new EchoLimitsOptions();
        var shortest = TimeSpan.FromMilliseconds(1);
        return new EchoLimitsOptions
        {
            MaxConnections = section.OptionalNumber(nameof(MaxConnections), min: 1),
            MaxConnectionsPerAddress = section.OptionalNumber(nameof(MaxConnectionsPerAddress), min: 1),
            IdleTimeout = section.Time(nameof(IdleTimeout), fallback.IdleTimeout),
            WriteTimeout = section.Time(nameof(WriteTimeout), fallback.WriteTimeout),
            ProxyHeaderTimeout = section.Time(nameof(ProxyHeaderTimeout), fallback.ProxyHeaderTimeout, min: shortest),
            TlsHandshakeTimeout = section.Time(nameof(TlsHandshakeTimeout), fallback.TlsHandshakeTimeout, min: shortest),
        };
    }
}

/// <summary>The section <c>Echo:Shutdown</c>.</summary>
internal sealed class EchoShutdownOptions
{
    /// <summary>How long the host is unready but still accepts, so that load balancers notice.</summary>
    /// <remarks>Default: zero.</remarks>
    public TimeSpan ReadinessDelay { get; set; } = TimeSpan.Zero;

    /// <summary>How long busy connections may go on.</summary>
    /// <remarks>Default: 20 seconds.</remarks>
    public TimeSpan GracePeriod { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Over how long the closing of quiet connections is spread.</summary>
    /// <remarks>Default: one second.</remarks>
    public TimeSpan CloseSpread { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Reads the section.</summary>
    public static EchoShutdownOptions Read(SectionReader section)
    {
        var fallback = new EchoShutdownOptions();
        return new EchoShutdownOptions
        {
            ReadinessDelay = section.Time(nameof(ReadinessDelay), fallback.ReadinessDelay),
            GracePeriod = section.Time(nameof(GracePeriod), fallback.GracePeriod),
            CloseSpread = section.Time(nameof(CloseSpread), fallback.CloseSpread),
        };
    }
}
