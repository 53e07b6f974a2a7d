namespace EchoHost.Metrics;

/// <summary>An endpoint with series of its own.</summary>
/// <param name="Name">The value of the label <c>endpoint</c>.</param>
/// <param name="TakesProxyHeaders">Whether it has series for PROXY headers.</param>
internal sealed record MeteredEndpoint(string Name, bool TakesProxyHeaders);
