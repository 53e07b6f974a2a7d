using EchoHost.Connections.Admission;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;
using EchoHost.Connections.Tracking;
using EchoHost.Echo;
using EchoHost.Endpoints;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace EchoHost.Hosting;

internal static class EchoPipeline
{
    /// <summary>
    /// The whole way of a connection to an echo endpoint, outermost first. (Timeouts and the drain act on what
    /// tracking holds; they need no place in the chain.)
    /// </summary>
    public static void UseEcho(this ListenOptions listen, EchoEndpoint endpoint)
    {
        if (endpoint.ProxyProtocol == ProxyProtocolMode.Off)
        {
            // First, so that a flood from one address holds no place that others could have.
            listen.UseAddressLimit(endpoint);
            listen.UseAdmission(endpoint.Name);
        }
        else
        {
            listen.UseAdmission(endpoint.Name);
            listen.UseProxyProtocol(endpoint.ProxyProtocol, endpoint.Name, endpoint.IsUnix);
            listen.UseAddressLimit(endpoint);
        }

        listen.UseTls(endpoint);
        listen.UseTracking(endpoint.Name);
        listen.UseConnectionHandler<EchoConnectionHandler>();
    }
}
