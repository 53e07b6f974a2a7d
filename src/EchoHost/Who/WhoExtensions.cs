using Microsoft.AspNetCore.Connections;

namespace EchoHost.Who;

internal static class WhoExtensions
{
    /// <summary>Adds the service <c>Who</c> at the end of an endpoint's chain.</summary>
    public static IConnectionBuilder UseWho(this IConnectionBuilder builder, string endpoint) =>
        builder.Use(_ => ActivatorUtilities.CreateInstance<WhoConnectionHandler>(builder.ApplicationServices, endpoint).OnConnectedAsync);
}
