using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Http;

/// <summary>An error response gives the reason in JSON (RFC 9457), whichever part of the host rejects the request.</summary>
public class ProblemTests
{
    private const string Token = "correct-horse-battery";

    [Theory]
    [InlineData("GET", "/nowhere", 404, null)]
    [InlineData("GET", "/connections/nobody", 404, "no live connection has the id 'nobody'")]
    [InlineData("GET", "/connections?srot=idle&lmit=1", 400, "srot is no parameter of this call; it has limit, sort, peer")]
    [InlineData("GET", "/connections?limit=10&lmit=1", 400, "lmit is no parameter of this call; it has limit, sort, peer")]
    [InlineData("GET", "/connections?limit=10001", 400, "limit is '10001'; expected a whole number, at most 10000")]
    [InlineData("DELETE", "/health", 405, null)]
    [InlineData("POST", "/health/live", 405, null)]
    [InlineData("PUT", "/health/ready", 405, null)]
    [InlineData("POST", "/metrics", 405, null)]
    [InlineData("DELETE", "/connections", 405, null)]
    [InlineData("OPTIONS", "/connections", 405, null)]
    [InlineData("DELETE", "/peers", 405, null)]
    [InlineData("GET", "/fleet", 404, "there is no view of the fleet: Peers:HttpPort is not configured")]
    [InlineData("GET", "/fleet?all=1", 400, "all is no parameter of this call; it has none")]
    [InlineData("POST", "/fleet", 405, null)]
    [InlineData("NONSENSE", "/health", 405, null)]
    [InlineData("DELETE", "/connections/1", 401, "the bearer token is missing or wrong")]
    [InlineData("POST", "/peers/nobody/messages", 401, "the bearer token is missing or wrong")]
    public async Task Every_refusal_is_a_problem(string method, string path, int status, string? detail)
    {
        await using var host = await EchoHostFixture.StartAsync($"Admin:Token={Token}");
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        await ExpectAsync(await host.Http.SendAsync(request), status, detail);
    }

    [Fact]
    public async Task Without_a_token_configured_what_changes_something_does_not_exist()
    {
        await using var host = await EchoHostFixture.StartAsync();
        await ExpectAsync(await host.Http.DeleteAsync("/connections/1"), 404, null);
    }

    [Fact]
    public async Task What_a_peer_answers_wrongly_and_what_is_too_long_are_problems_too()
    {
        using var gone = new HeldPort();
        var peer = gone.Name;
        await using var host = await EchoHostFixture.StartAsync($"Admin:Token={Token}", $"Peers:Targets:0={peer}");
        host.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        // Send the body only when the host asks for it; otherwise its early response may be lost with the connection.
        host.Http.DefaultRequestHeaders.ExpectContinue = true;
        async Task<HttpResponseMessage> PostAsync(byte[] body) => await host.Http.PostAsync($"/peers/{peer}/messages", new ByteArrayContent(body));
        await ExpectAsync(await PostAsync("x"u8.ToArray()), 502, "refused: Connection refused");
        await ExpectAsync(await PostAsync(new byte[(1024 * 1024) + 1]), 413, "the body has more than 1048576 bytes");
        await ExpectAsync(await PostAsync([]), 400, "the body is empty; there is nothing to send");
    }

    [Fact]
    public async Task Where_a_method_is_refused_those_that_there_are_are_named()
    {
        await using var host = await EchoHostFixture.StartAsync();
        var response = await host.Http.DeleteAsync("/health");
        Assert.Equal(["GET", "HEAD"], response.Content.Headers.Allow.Order(StringComparer.Ordinal));
        using var head = new HttpRequestMessage(HttpMethod.Head, "/health");
        Assert.Equal(HttpStatusCode.OK, (await host.Http.SendAsync(head)).StatusCode);
    }

    private static async Task ExpectAsync(HttpResponseMessage response, int status, string? detail)
    {
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.ToString());
        var text = await response.Content.ReadAsStringAsync();
        // Readable for people: quotes are not escaped.
        Assert.DoesNotContain("\\u", text, StringComparison.Ordinal);
        var problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal(("about:blank", status), (problem.GetProperty("type").GetString(), problem.GetProperty("status").GetInt32()));
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        Assert.Equal(detail, problem.TryGetProperty("detail", out var told) ? told.GetString() : null);
    }
}
