using System.Net;

namespace EchoHost.Endpoints;

/// <summary>All endpoints that the host listens on.</summary>
/// <param name="Raw">The raw endpoints.</param>
/// <param name="Http">The addresses of the HTTP endpoint.</param>
internal sealed record ListenEndpoints(IReadOnlyList<ListenEndpoint> Raw, IReadOnlyList<HttpAddress> Http)
{
    /// <summary>The raw endpoint that listens on an address; null if the HTTP endpoint does.</summary>
    /// <exception cref="InvalidOperationException">No configured endpoint listens there.</exception>
    public ListenEndpoint? Of(EndPoint address)
    {
        var raw = address is NamedIPEndPoint own
            ? Raw.FirstOrDefault(endpoint => endpoint.Name == own.EndpointName)
            : Raw.FirstOrDefault(endpoint => endpoint.IsUnix && endpoint.Addresses.Contains(address));
        return raw is null && !Http.Any(http => http.IsAt(address))
            ? throw new InvalidOperationException($"no endpoint is configured to listen on {address}")
            : raw;
    }
}
