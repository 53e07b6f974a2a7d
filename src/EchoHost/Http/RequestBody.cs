using Microsoft.AspNetCore.Http.Features;

namespace EchoHost.Http;

/// <summary>Reads the whole body of a request.</summary>
internal static class RequestBody
{
    /// <summary>Reads at most <paramref name="maxBytes"/>.</summary>
    /// <exception cref="BadHttpRequestException">The body is longer, or can't be read; see <see cref="ProblemOf"/>.</exception>
    public static async Task<byte[]> ReadAsync(HttpContext context, int maxBytes)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = maxBytes;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.ToArray();
    }

    /// <summary>The answer to a request whose body could not be read.</summary>
    public static HttpProblem ProblemOf(BadHttpRequestException e, int maxBytes)
    {
        var isTooLarge = e.StatusCode == StatusCodes.Status413PayloadTooLarge;
        return new HttpProblem(e.StatusCode, isTooLarge ? $"the body has more than {maxBytes} bytes" : e.Message);
    }
}
