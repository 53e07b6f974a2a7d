using EchoHost.Metrics;
using Microsoft.Net.Http.Headers;

namespace EchoHost.Http;

/// <summary><c>GET /metrics</c> for Prometheus and other readers of its text format.</summary>
internal static class MetricsEndpoint
{
    private const string OpenMetricsType = "application/openmetrics-text";
    private const string OpenMetricsVersion = "1.0.0";
    private const string TextType = "text";
    private const string PlainSubType = "plain";

    public static void MapMetrics(this IEndpointRouteBuilder app)
    {
        app.ServiceProvider.GetRequiredService<MeterProviders>().Start();
        app.MapMethods("/metrics", [HttpMethods.Get, HttpMethods.Head], ScrapeAsync);
    }

    /// <summary>
    /// Whether to respond with OpenMetrics: only if the client accepts it by name, in a supported version, and with at
    /// least the quality of text (RFC 9110, section 12.5.1). An invalid Accept header counts as none.
    /// </summary>
    internal static bool PrefersOpenMetrics(IList<string?> accept)
    {
        if (!MediaTypeHeaderValue.TryParseStrictList([.. accept.OfType<string>()], out var types) || types.Any(HasUnreadableQuality))
        {
            return false;
        }

        var openMetrics = types.Where(IsOpenMetrics).Select(QualityOf).DefaultIfEmpty(0).Max();
        // The most specific range that includes text decides.
        var ranges = types.Where(HoldsText);
        var text = ranges.GroupBy(type => type.MatchesAllTypes ? 2 : type.MatchesAllSubTypes ? 1 : 0).MinBy(group => group.Key)?.Max(QualityOf) ?? 0;
        return openMetrics > 0 && openMetrics >= text;
    }

    private static bool HoldsText(MediaTypeHeaderValue range) => range.MatchesAllTypes
        || (range.Type.Equals(TextType, StringComparison.OrdinalIgnoreCase)
            && (range.MatchesAllSubTypes || range.SubType.Equals(PlainSubType, StringComparison.OrdinalIgnoreCase)));

    private static bool IsOpenMetrics(MediaTypeHeaderValue type) =>
        type.MediaType.Equals(OpenMetricsType, StringComparison.OrdinalIgnoreCase)
        && !type.Parameters.Any(parameter => Is(parameter, "version") && parameter.GetUnescapedValue() != OpenMetricsVersion);

    private static double QualityOf(MediaTypeHeaderValue type) => type.Quality ?? 1;

    private static bool HasUnreadableQuality(MediaTypeHeaderValue type) => type.Quality is null && type.Parameters.Any(parameter => Is(parameter, "q"));

    private static bool Is(NameValueHeaderValue parameter, string name) => parameter.Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static Task ScrapeAsync(HttpContext context, Scrapes scrapes)
    {
        var openMetrics = PrefersOpenMetrics(context.Request.Headers.Accept);
        return CostlyAnswer.WriteAsync(context, PrometheusText.ContentType(openMetrics), cancellationToken => scrapes.GetAsync(openMetrics, cancellationToken));
    }
}
