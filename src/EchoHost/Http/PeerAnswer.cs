namespace EchoHost.Http;

/// <summary>The answer of <c>POST /peers/{name}/messages</c>.</summary>
/// <param name="Peer">Which peer.</param>
/// <param name="Echo">What came back.</param>
/// <param name="Identical">Whether that is what was sent; else the answer is an error.</param>
/// <param name="RttMilliseconds">How long it took, without connecting.</param>
internal sealed record PeerAnswer(string Peer, string Echo, bool Identical, double RttMilliseconds);
