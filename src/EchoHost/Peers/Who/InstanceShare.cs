namespace EchoHost.Peers.Who;

/// <summary>One instance's part of a <see cref="Spread"/>.</summary>
/// <param name="Name">The instance's name.</param>
/// <param name="Connections">The number of connections that it answered.</param>
/// <param name="Connect">How long connecting took, to the balancer if there is one.</param>
/// <param name="Answer">How long its answers took.</param>
internal sealed record InstanceShare(string Name, long Connections, Percentiles Connect, Percentiles Answer);
