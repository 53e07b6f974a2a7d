using Microsoft.AspNetCore.Http.Features;

namespace EchoHost.Http.Live;

/// <summary><c>GET /live</c>: the events of the page (server-sent events).</summary>
internal static class LiveEndpoint
{
    private const string ContentType = "text/event-stream";

    public static void AddLive(this IServiceCollection services)
    {
        services.AddSingleton<LiveFeed>();
        services.AddHostedService<LiveService>();
    }

    public static void MapLive(this IEndpointRouteBuilder app) => app.MapMethods("/live", [HttpMethods.Get, HttpMethods.Head], SendAsync);

    private static async Task SendAsync(HttpContext context, LiveFeed feed)
    {
        var response = context.Response;
        if (HttpMethods.IsHead(context.Request.Method))
        {
            response.ContentType = ContentType;
            return;
        }

        if (feed.Join(onTooSlow: context.Abort) is not { } watcher)
        {
            await HttpProblem.TooManyAsync(context, $"at most {LiveFeed.MaxWatchers} can watch at a time");
            return;
        }

        try
        {
            response.ContentType = ContentType;
            response.Headers.CacheControl = "no-store";
            // nginx would collect events until it has a few kilobytes of them.
            response.Headers["X-Accel-Buffering"] = "no";
            context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            await foreach (var events in watcher.Events.ReadAllAsync(context.RequestAborted))
            {
                await response.Body.WriteAsync(events, context.RequestAborted);
                await response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // The watcher left, or does not read.
        }
        finally
        {
            feed.Leave(watcher);
        }
    }
}
