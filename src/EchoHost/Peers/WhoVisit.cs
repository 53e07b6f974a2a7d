using System.Net;

namespace EchoHost.Peers;

/// <summary>One connection to a <c>Who</c> endpoint, closed by now.</summary>
/// <param name="Reply">The answer.</param>
/// <param name="Connection">The connection; its times and its remote address stay readable.</param>
/// <param name="Local">The end point that the connection came from; null where the system does not tell.</param>
/// <param name="Took">From the end of connecting until the whole answer was read.</param>
internal sealed record WhoVisit(WhoReply Reply, PeerConnection Connection, EndPoint? Local, TimeSpan Took);
