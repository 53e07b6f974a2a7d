namespace EchoHost.Peers.Load;

/// <summary>The options of a load test.</summary>
/// <param name="Target">The peer.</param>
/// <param name="Connections">The number of connections open at once.</param>
/// <param name="Size">The length of a message in bytes.</param>
/// <param name="Pipeline">The maximum number of messages under way on a connection.</param>
/// <param name="Duration">How long to send messages.</param>
/// <param name="Rate">Messages per second over all connections; null to send each message as soon as the pipeline has room.</param>
/// <param name="Reconnects">Whether to make a new connection for each message.</param>
/// <param name="Timeout">The time limit for connecting, and for each message.</param>
internal sealed record LoadOptions(
    PeerTarget Target,
    int Connections,
    int Size,
    int Pipeline,
    TimeSpan Duration,
    int? Rate,
    bool Reconnects,
    TimeSpan Timeout);
