using EchoHost.Connections.Admission;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Endpoints;
using EchoHost.Http;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace EchoHost.Hosting;

/// <summary>Configures Kestrel's listeners: each raw endpoint with its middleware, and the HTTP addresses.</summary>
internal sealed class KestrelSetup(
    ListenEndpoints endpoints, ConnectionCapacity capacity, HttpOptions http, BoundEndpoints bound, TimeProvider time)
    : IConfigureOptions<KestrelServerOptions>
{
    public void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        // Scrapes and probes are short; a connection that sends no request or does not read its response takes a place from
        // others.
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(20);
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
        kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 4096, gracePeriod: TimeSpan.FromSeconds(5));
        foreach (var endpoint in endpoints.Raw)
        {
            foreach (var address in endpoint.Addresses)
            {
                kestrel.Listen(address, listen => bound.Add(endpoint, listen).UseEndpoint(endpoint));
            }
        }

        var gate = new HttpGate(capacity.Http, time);
        foreach (var address in endpoints.Http)
        {
            address.Listen(kestrel, listen => bound.Add(address, listen)
                .UseHttpAdmission(gate, isBehindProxy: http.ProxyProtocol != ProxyProtocolMode.Off)
                .UseProxyProtocol(http.ProxyProtocol, EchoMetrics.HttpEndpoint)
                .UseHttpClientLimits(gate));
        }
    }
}
