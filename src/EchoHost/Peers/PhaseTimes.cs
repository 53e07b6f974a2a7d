namespace EchoHost.Peers;

/// <summary>How long each phase of connecting took.</summary>
/// <param name="Resolve">The lookup of the name; null for an address.</param>
/// <param name="Connect">The TCP handshake with the address that accepted.</param>
/// <param name="Proxy">Until the transport took the PROXY header; null without one.</param>
/// <param name="Tls">The TLS handshake; null without TLS.</param>
internal readonly record struct PhaseTimes(TimeSpan? Resolve, TimeSpan Connect, TimeSpan? Proxy, TimeSpan? Tls);
