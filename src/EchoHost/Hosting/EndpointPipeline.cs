using EchoHost.Connections.Admission;
using EchoHost.Connections.Faults;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;
using EchoHost.Connections.Tracking;
using EchoHost.Echo;
using EchoHost.Endpoints;
using EchoHost.Metrics;
using EchoHost.Transport;
using EchoHost.Who;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace EchoHost.Hosting;

internal static class EndpointPipeline
{
    /// <summary>
    /// The middleware of a raw endpoint, outermost first. The host's own probes pass through TLS and the service only. Timeouts
    /// and the drain are not in the chain; they act on the registry.
    /// </summary>
    public static void UseEndpoint(this ListenOptions listen, ListenEndpoint endpoint)
    {
        if (StartsOnLoop(endpoint, listen.ApplicationServices))
        {
            listen.StartOnLoop();
            listen.Use(listen.ApplicationServices.GetRequiredService<KestrelInstruments>().Count);
        }

        listen.UseSelfProbes();
        listen.UseForClients(clients =>
        {
            if (endpoint.ProxyProtocol == ProxyProtocolMode.Off)
            {
                // The address limit comes first, so that connections rejected by it never take a place from other clients.
                clients.UseAddressLimit(endpoint.Name, endpoint.IsUnix);
                clients.UseAdmission(endpoint.Name);
            }
            else
            {
                clients.UseAdmission(endpoint.Name);
                clients.UseProxyProtocol(endpoint.ProxyProtocol, endpoint.Name, endpoint.IsUnix);
                clients.UseAddressLimit(endpoint.Name, endpoint.IsUnix);
            }
        });
        if (endpoint.Tls is { } tls)
        {
            listen.UseTls(endpoint.Name, tls);
        }

        listen.UseForClients(clients =>
        {
            clients.UseTracking(endpoint.Name);
            clients.UseFaults(endpoint.Name);
        });
        listen.UseService(endpoint);
    }

    /// <summary>
    /// Whether connections start on their event loop, instead of on the thread pool. Kestrel's TLS needs
    /// connections that Kestrel itself has started.
    /// </summary>
    private static bool StartsOnLoop(ListenEndpoint endpoint, IServiceProvider services) =>
        endpoint.Tls is null && services.GetRequiredService<TransportOptions>().IsEpoll;

    private static void UseService(this ListenOptions listen, ListenEndpoint endpoint)
    {
        switch (endpoint.Service)
        {
            case EndpointService.Echo:
                listen.UseConnectionHandler<EchoConnectionHandler>();
                break;
            case EndpointService.Who:
                listen.UseWho(endpoint.Name);
                break;
            default:
                throw new InvalidOperationException($"there is no service {endpoint.Service}");
        }
    }
}
