using System.Buffers;

namespace EchoHost.Http;

internal static class CostlyAnswer
{
    /// <summary>
    /// Sends a response with its length, or 503 if there is none. HEAD generates nothing, since no body is sent.
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="contentType">The content type of the response.</param>
    /// <param name="get">Returns the response; null if too many others are queued.</param>
    public static async Task WriteAsync(HttpContext context, string contentType, Func<CancellationToken, ValueTask<ReadOnlySequence<byte>?>> get)
    {
        if (HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.ContentType = contentType;
            return;
        }

        if (await get(context.RequestAborted) is not { } answer)
        {
            await HttpProblem.TooManyAsync(context, "too many others ask at the moment; ask again in a second");
            return;
        }

        context.Response.ContentType = contentType;
        context.Response.ContentLength = answer.Length;
        foreach (var segment in answer)
        {
            await context.Response.Body.WriteAsync(segment, context.RequestAborted);
        }
    }
}
