using EchoHost.Connections.Admission;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;
using EchoHost.Connections.Tracking;
using EchoHost.Echo;
using EchoHost.Endpoints;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace EchoHost.Hosting;

internal static class EndpointPipeline
{
    /// <summary>
    /// The whole way of a connection to a raw endpoint, outermost first. The host's own probes pass TLS and the service alone.
    /// (Timeouts and the drain act on what tracking holds; they need no place in the chain.)
    /// </summary>
    public static void UseEndpoint(this ListenOptions listen, ListenEndpoint endpoint)
    {
        listen.UseSelfProbes();
        listen.UseForClients(clients =>
        {
            if (endpoint.ProxyProtocol == ProxyProtocolMode.Off)
            {
                // First, so that a flood from one address holds no place that others could have.
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

        listen.UseForClients(clients => clients.UseTracking(endpoint.Name));
        listen.UseConnectionHandler<EchoConnectionHandler>();
    }
}
