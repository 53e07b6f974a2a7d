using EchoHost.Connections.Admission;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Endpoints;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace EchoHost.Hosting;

/// <summary>Tells Kestrel what to listen on: every echo endpoint with its chain, and the HTTP addresses.</summary>
internal sealed class KestrelSetup(HostSettings settings, BoundEndpoints bound, TimeProvider time) : IConfigureOptions<KestrelServerOptions>
{
    public void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        // Scrapes and probes are short; a connection that asks nothing, or does not take its answer, is held from others.
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(20);
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
        kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 4096, gracePeriod: TimeSpan.FromSeconds(5));
        foreach (var endpoint in settings.Endpoints)
        {
            foreach (var address in endpoint.Addresses)
            {
                kestrel.Listen(address, listen => bound.Add(endpoint, listen).UseEcho(endpoint));
            }
        }

        var gate = new HttpGate(settings.Capacity.Http, time);
        var proxyProtocol = settings.Http.ProxyProtocol;
        foreach (var address in settings.HttpAddresses)
        {
            address.Listen(kestrel, listen => bound.Add(address, listen)
                .UseHttpAdmission(gate, isBehindProxy: proxyProtocol != ProxyProtocolMode.Off)
                .UseProxyProtocol(proxyProtocol, HttpAddress.EndpointName)
                .UseHttpClientLimits(gate));
        }
    }
}
