using EchoHost.Configuration;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>
/// Which PROXY headers are trusted, and how long they may take; keys of the sections <c>Echo</c> and <c>Echo:Limits</c>.
/// </summary>
internal sealed record ProxyHeaderOptions
{
    /// <summary>Networks whose PROXY header is trusted.</summary>
    /// <remarks>Default: none.</remarks>
    public required NetworkSet TrustedProxies { get; init; }

    /// <summary>
    /// How long a PROXY header may take, from the start of the connection (if it is optional, from the first byte) to its
    /// last byte.
    /// </summary>
    /// <remarks>Default: 5 seconds.</remarks>
    public required TimeSpan ProxyHeaderTimeout { get; init; }

    /// <summary>
    /// How long an endpoint with optional headers waits for the first byte: until then a client without a header is idle.
    /// </summary>
    public required TimeSpan IdleTimeout { get; init; }

    /// <param name="section">The section <c>Echo</c>.</param>
    /// <param name="limits">The section <c>Echo:Limits</c>.</param>
    /// <param name="idleTimeout">How long a connection may be idle; zero for no limit.</param>
    public static ProxyHeaderOptions Read(SectionReader section, SectionReader limits, TimeSpan idleTimeout) => new()
    {
        TrustedProxies = section.Networks(nameof(TrustedProxies)),
        ProxyHeaderTimeout = limits.Time(nameof(ProxyHeaderTimeout), TimeSpan.FromSeconds(5), min: TimeSpan.FromMilliseconds(1)),
        IdleTimeout = idleTimeout > TimeSpan.Zero ? idleTimeout : Timeout.InfiniteTimeSpan,
    };
}
