using EchoHost.Connections.Admission;
using EchoHost.Connections.Tracking;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Echo;

internal static class EchoPipeline
{
    /// <summary>
    /// The whole way of a connection to an echo endpoint, outermost first. (Timeouts and the drain act on what
    /// tracking holds; they need no place in the chain.)
    /// </summary>
    public static IConnectionBuilder UseEcho(this IConnectionBuilder connections, string endpoint) => connections
        .UseAdmission(endpoint)
        .UseTracking(endpoint)
        .UseConnectionHandler<EchoConnectionHandler>();
}
