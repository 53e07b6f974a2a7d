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
    public TimeSpan ProxyHeaderTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long an endpoint with optional headers waits for the first byte: until then a client without a header is idle.
    /// </summary>
    public TimeSpan IdleTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>Reads the keys of the section <c>Echo</c>.</summary>
    public static ProxyHeaderOptions Read(SectionReader section) => new() { TrustedProxies = section.Networks(nameof(TrustedProxies)) };

    /// <summary>The same options with the keys of the section <c>Echo:Limits</c>.</summary>
    /// <param name="limits">The section.</param>
    /// <param name="idleTimeout">How long a connection may be idle; zero for no limit.</param>
    public ProxyHeaderOptions WithLimits(SectionReader limits, TimeSpan idleTimeout) => this with
    {
        ProxyHeaderTimeout = limits.Time(nameof(ProxyHeaderTimeout), ProxyHeaderTimeout, min: TimeSpan.FromMilliseconds(1)),
        IdleTimeout = idleTimeout > TimeSpan.Zero ? idleTimeout : Timeout.InfiniteTimeSpan,
    };
}
