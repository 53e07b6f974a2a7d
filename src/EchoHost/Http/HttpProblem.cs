using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;

namespace EchoHost.Http;

/// <summary>An error response: a problem in JSON (RFC 9457). Unlike the framework's own, it needs no reflection.</summary>
/// <param name="status">The status, 400 or more.</param>
/// <param name="detail">What is wrong with this request; null if the status is enough.</param>
internal sealed class HttpProblem(int status, string? detail) : IResult
{
    private const string ContentType = "application/problem+json";
    private const string RetryAfterSeconds = "1";

    /// <summary>Does not escape quotes: people read this too, and only HTML would need it.</summary>
    private static readonly ProblemJson Json = new(new JsonSerializerOptions(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = status;
        return WriteAsync(httpContext, detail);
    }

    /// <summary>The answer to a request with a parameter, for a call that has none; null if the request has none.</summary>
    public static HttpProblem? OfParameters(HttpContext context) => context.Request.Query.Keys.FirstOrDefault() is { } unknown
        ? new HttpProblem(StatusCodes.Status400BadRequest, $"{unknown} is no parameter of this call; it has none")
        : null;

    /// <summary>Answers 503, and asks the client to come again in a second.</summary>
    public static Task TooManyAsync(HttpContext context, string detail)
    {
        context.Response.Headers.RetryAfter = RetryAfterSeconds;
        return new HttpProblem(StatusCodes.Status503ServiceUnavailable, detail).ExecuteAsync(context);
    }

    /// <summary>Writes the body for the response's status.</summary>
    public static async Task WriteAsync(HttpContext context, string? detail)
    {
        var response = context.Response;
        var problem = new Problem("about:blank", ReasonPhrases.GetReasonPhrase(response.StatusCode), response.StatusCode, detail);
        var body = JsonSerializer.SerializeToUtf8Bytes(problem, Json.Problem);
        response.ContentType = ContentType;
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, context.RequestAborted);
    }
}

/// <summary>A problem as in RFC 9457. With the type <c>about:blank</c>, the status alone gives the meaning.</summary>
internal sealed record Problem(string Type, string Title, int Status, string? Detail);

[JsonSerializable(typeof(Problem))]
internal sealed partial class ProblemJson : JsonSerializerContext;
