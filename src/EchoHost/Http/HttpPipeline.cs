using EchoHost.Connections.Admission;
using Microsoft.AspNetCore.HostFiltering;

namespace EchoHost.Http;

/// <summary>What every HTTP call passes before it reaches what it asks for.</summary>
internal static class HttpPipeline
{
    public static void AddHttp(this IServiceCollection services)
    {
        services.AddSingleton<ConnectionListings>();
        services.AddSingleton<PeerListing>();
        services.AddSingleton<Scrapes>();
        // The framework's own filter knows the same key, but no path that is open under every name.
        services.PostConfigure<HostFilteringOptions>(options => options.AllowedHosts = ["*"]);
    }

    /// <summary>Outermost first.</summary>
    public static void UseHttp(this WebApplication app)
    {
        app.UseHttpTurns();
        // What has no body of its own, such as the 404 and 405 of routing.
        app.UseStatusCodePages(context => HttpProblem.WriteAsync(context.HttpContext, detail: null));
        var hosts = app.Services.GetRequiredService<AllowedHosts>();
        app.Use((context, next) => hosts.Allows(context.Request.Host, context.Request.Path)
            ? next(context)
            : NotCalled(context.Request.Host.Host).ExecuteAsync(context));
    }

    private static HttpProblem NotCalled(string name) =>
        new(StatusCodes.Status400BadRequest, $"this host is not called '{name}'; {AllowedHosts.Key} names more");
}
