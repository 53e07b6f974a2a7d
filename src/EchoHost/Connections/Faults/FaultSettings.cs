namespace EchoHost.Connections.Faults;

/// <summary>The faults of all raw endpoints. They change in memory alone: a restart brings back those of the configuration.</summary>
internal sealed class FaultSettings
{
    private readonly Dictionary<string, EndpointFaults> _endpoints;

    /// <param name="configured">The faults of the configuration by endpoint; null for an endpoint that has none.</param>
    /// <param name="time">The clock.</param>
    public FaultSettings(IEnumerable<KeyValuePair<string, FaultOptions?>> configured, TimeProvider time) =>
        _endpoints = configured.ToDictionary(endpoint => endpoint.Key, endpoint => new EndpointFaults(endpoint.Value, time), StringComparer.OrdinalIgnoreCase);

    /// <summary>The endpoints that have faults now.</summary>
    public IEnumerable<(string Endpoint, FaultOptions Options)> Active =>
        from endpoint in _endpoints
        let options = endpoint.Value.Current
        where options is not null
        select (endpoint.Key, options);

    public EndpointFaults Of(string endpoint) => _endpoints[endpoint];
}
