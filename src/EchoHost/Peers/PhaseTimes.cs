namespace EchoHost.Peers;

/// <summary>How long each phase of making a connection took.</summary>
/// <param name="Resolve">To find the name's addresses; zero for an address.</param>
/// <param name="Connect">The TCP handshake with the address that was reached.</param>
/// <param name="Tls">The TLS handshake; zero without TLS.</param>
internal readonly record struct PhaseTimes(TimeSpan Resolve, TimeSpan Connect, TimeSpan Tls);
