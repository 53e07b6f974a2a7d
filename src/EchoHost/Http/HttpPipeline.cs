using EchoHost.Connections.Admission;
using EchoHost.Peers.Fleet;
using Microsoft.AspNetCore.HostFiltering;

namespace EchoHost.Http;

/// <summary>The middleware of every HTTP request.</summary>
internal static class HttpPipeline
{
    public static void AddHttp(this IServiceCollection services)
    {
        services.AddSingleton<ConnectionListings>();
        services.AddSingleton<PeerListing>();
        services.AddSingleton(provider => new FleetListing(provider.GetRequiredService<FleetView>()));
        services.AddSingleton<Scrapes>();
        // The framework's host filter uses the same key, but has no paths that are open under every name.
        services.PostConfigure<HostFilteringOptions>(options => options.AllowedHosts = ["*"]);
    }

    /// <summary>Adds the middleware, outermost first.</summary>
    public static void UseHttp(this WebApplication app)
    {
        app.UseHttpTurns();
        // Adds a body to responses without one, such as routing's 404 and 405.
        app.UseStatusCodePages(context => HttpProblem.WriteAsync(context.HttpContext, detail: null));
        var hosts = app.Services.GetRequiredService<AllowedHosts>();
        app.Use((context, next) => hosts.Allows(context.Request.Host, context.Request.Path)
            ? next(context)
            : NotCalled(context.Request.Host.Host).ExecuteAsync(context));
    }

    private static HttpProblem NotCalled(string name) =>
        new(StatusCodes.Status400BadRequest, $"this host is not called '{name}'; {AllowedHosts.Key} names more");
}
