using Microsoft.AspNetCore.Connections;

namespace EchoHost.Who;

internal static class WhoExtensions
{
    /// <summary>Ends the chain of an endpoint that says what its clients' connections look like.</summary>
    public static IConnectionBuilder UseWho(this IConnectionBuilder builder, string endpoint) =>
        builder.Use(_ => ActivatorUtilities.CreateInstance<WhoConnectionHandler>(builder.ApplicationServices, endpoint).OnConnectedAsync);
}
