using EchoHost.Metrics;
using Microsoft.Net.Http.Headers;

namespace EchoHost.Http;

/// <summary><c>GET /metrics</c> for Prometheus and whatever else reads its text.</summary>
internal static class MetricsEndpoint
{
    private const string OpenMetricsType = "application/openmetrics-text";

    public static void MapMetrics(this IEndpointRouteBuilder app)
    {
        app.ServiceProvider.GetRequiredService<MeterProviders>().Start();
        app.MapMethods("/metrics", [HttpMethods.Get, HttpMethods.Head], ScrapeAsync);
    }

    /// <summary>OpenMetrics only where it is asked for by name and no text type is asked for more (RFC 9110, section 12.5.1).</summary>
    internal static bool PrefersOpenMetrics(IList<string?> accept)
    {
        double openMetrics = 0, text = 0;
        if (MediaTypeHeaderValue.TryParseList([.. accept.OfType<string>()], out var types))
        {
            foreach (var type in types)
            {
                if (type.MediaType.Equals(OpenMetricsType, StringComparison.OrdinalIgnoreCase))
                {
                    openMetrics = Math.Max(openMetrics, type.Quality ?? 1);
                }
                else if (type.MediaType.Equals("text/plain", StringComparison.OrdinalIgnoreCase))
                {
                    text = Math.Max(text, type.Quality ?? 1);
                }
            }
        }

        return openMetrics > 0 && openMetrics >= text;
    }

    private static async Task ScrapeAsync(HttpContext context, MeterProviders providers)
    {
        var openMetrics = PrefersOpenMetrics(context.Request.Headers.Accept);
        var text = await providers.ScrapeAsync(openMetrics, context.RequestAborted);
        context.Response.ContentType = PrometheusText.ContentType(openMetrics);
        context.Response.ContentLength = text.Length;
        await context.Response.Body.WriteAsync(text, context.RequestAborted);
    }
}
