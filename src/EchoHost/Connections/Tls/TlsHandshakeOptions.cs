using EchoHost.Configuration;

namespace EchoHost.Connections.Tls;

/// <summary>The time limit of TLS handshakes; a key of the section <c>Echo:Limits</c>.</summary>
internal sealed record TlsHandshakeOptions
{
    /// <summary>How long a TLS handshake may take.</summary>
    /// <remarks>Default: 10 seconds.</remarks>
    public TimeSpan TlsHandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public static TlsHandshakeOptions Read(SectionReader section) => new()
    {
        TlsHandshakeTimeout = section.Time(nameof(TlsHandshakeTimeout), new TlsHandshakeOptions().TlsHandshakeTimeout, min: TimeSpan.FromMilliseconds(1)),
    };
}
