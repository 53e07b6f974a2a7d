using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;

namespace EchoHost.Http;

/// <summary>An answer that says what is wrong: a problem in JSON (RFC 9457), without reflection, unlike the framework's own.</summary>
/// <param name="status">The status, 400 or more.</param>
/// <param name="detail">What is wrong with this call; null where the status says it all.</param>
internal sealed class HttpProblem(int status, string? detail) : IResult
{
    private const string ContentType = "application/problem+json";

    /// <summary>For people too: quotes are not escaped, which only a page would need.</summary>
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

    /// <summary>Writes the body for the answer's status.</summary>
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

/// <summary>A problem as RFC 9457 has it; what the type <c>about:blank</c> means is said by the status alone.</summary>
internal sealed record Problem(string Type, string Title, int Status, string? Detail);

[JsonSerializable(typeof(Problem))]
internal sealed partial class ProblemJson : JsonSerializerContext;
