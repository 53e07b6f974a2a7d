using System.Net;
using EchoHost.Metrics;
using EchoHost.Who;

namespace EchoHost.Http;

/// <summary><c>GET /who</c>: what the host sees of this HTTP connection, and the headers that proxies on its way add.</summary>
internal static class WhoEndpoint
{
    private const string ContentType = "application/json; charset=utf-8";

    /// <summary>The headers that proxies write. Others are never shown: they may hold credentials.</summary>
    private static readonly string[] ForwardingHeaders = ["Forwarded", "Via", "X-Real-IP"];

    private const string ForwardingPrefix = "X-Forwarded-";

    public static void MapWho(this IEndpointRouteBuilder app) => app.MapMethods("/who", [HttpMethods.Get, HttpMethods.Head], AnswerAsync);

    private static async Task AnswerAsync(HttpContext context, WhoAnswers answers)
    {
        var connection = context.Connection;
        var answer = answers.For(
            EchoMetrics.HttpEndpoint,
            connection.Id,
            EndPointOf(connection.RemoteIpAddress, connection.RemotePort),
            EndPointOf(connection.LocalIpAddress, connection.LocalPort),
            context.Features);
        var line = (answer with { Headers = ForwardingHeadersOf(context.Request.Headers) }).ToLine();
        context.Response.ContentType = ContentType;
        context.Response.ContentLength = line.Length;
        // The answer is valid for this moment and this client only.
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(line, context.RequestAborted);
    }

    private static IPEndPoint? EndPointOf(IPAddress? address, int port) => address is null ? null : new IPEndPoint(address, port);

    private static SortedDictionary<string, string[]> ForwardingHeadersOf(IHeaderDictionary headers)
    {
        var forwarding = new SortedDictionary<string, string[]>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in headers)
        {
            if (name.StartsWith(ForwardingPrefix, StringComparison.OrdinalIgnoreCase) || ForwardingHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                forwarding[name] = [.. values.OfType<string>()];
            }
        }

        return forwarding;
    }
}
