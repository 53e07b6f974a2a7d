namespace EchoHost.Metrics;

/// <summary>An endpoint that has series of its own.</summary>
/// <param name="Name">The label <c>endpoint</c>.</param>
/// <param name="TakesProxyHeaders">Whether it has series of PROXY headers.</param>
internal sealed record MeteredEndpoint(string Name, bool TakesProxyHeaders);
