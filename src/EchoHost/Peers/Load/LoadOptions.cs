namespace EchoHost.Peers.Load;

/// <summary>What a load test does.</summary>
/// <param name="Target">The peer.</param>
/// <param name="Connections">How many are open at once.</param>
/// <param name="Size">Bytes a message.</param>
/// <param name="Pipeline">How many messages may be under way on one connection.</param>
/// <param name="Duration">How long messages are sent.</param>
/// <param name="Rate">Messages a second over all connections; null sends each as soon as there is room for it.</param>
/// <param name="Reconnects">Whether each message has a connection of its own.</param>
/// <param name="Timeout">How long connecting, and each message, may take.</param>
internal sealed record LoadOptions(PeerTarget Target, int Connections, int Size, int Pipeline, TimeSpan Duration, int? Rate, bool Reconnects, TimeSpan Timeout);
