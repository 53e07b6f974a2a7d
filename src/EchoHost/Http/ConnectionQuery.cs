namespace EchoHost.Http;

/// <summary>The sort key of a listing, largest first. The names are the values of the parameter <c>sort</c>.</summary>
internal enum ConnectionOrder
{
    Age,
    Idle,
    Received,
    Rtt,
}

/// <summary>The parameters of <c>/connections</c>.</summary>
/// <param name="Limit">The maximum number of connections.</param>
/// <param name="Order">The sort key.</param>
/// <param name="Peer">The filter as given in the request; null for all connections.</param>
internal sealed record ConnectionQuery(int Limit, ConnectionOrder Order, string? Peer);
