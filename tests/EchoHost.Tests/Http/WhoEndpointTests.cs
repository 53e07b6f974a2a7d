using System.Net;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Http;

public class WhoEndpointTests
{
    [Fact]
    public async Task It_tells_of_the_call_and_its_forwarding_headers_alone()
    {
        await using var host = await EchoHostFixture.StartAsync("Instance:Name=echo-1", "Instance:Labels:zone=b");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/who");
        request.Headers.Add("X-Forwarded-For", ["203.0.113.7", "10.0.0.2"]);
        request.Headers.Add("x-forwarded-proto", "https");
        request.Headers.Add("Forwarded", "for=203.0.113.7");
        request.Headers.Add("Via", "1.1 proxy");
        request.Headers.Add("X-Real-IP", "203.0.113.7");
        request.Headers.Add("Authorization", "Bearer secret");
        request.Headers.Add("Cookie", "session=secret");
        using var response = await host.Http.SendAsync(request);
        Assert.Equal((HttpStatusCode.OK, "application/json"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.True(response.Headers.CacheControl?.NoStore);
        var text = await response.Content.ReadAsStringAsync();
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
        using var answer = JsonDocument.Parse(text);
        Assert.Equal("echo-1", answer.RootElement.GetProperty("instance").GetString());
        Assert.Equal("http", answer.RootElement.GetProperty("endpoint").GetString());
        Assert.StartsWith("127.0.0.1:", answer.RootElement.GetProperty("peer").GetString(), StringComparison.Ordinal);
        Assert.Equal(host.Http.BaseAddress!.Authority, answer.RootElement.GetProperty("local").GetString());
        var headers = answer.RootElement.GetProperty("headers");
        Assert.Equal(["Forwarded", "Via", "X-Forwarded-For", "x-forwarded-proto", "X-Real-IP"], headers.EnumerateObject().Select(header => header.Name));
        Assert.Equal("for=203.0.113.7", headers.GetProperty("Forwarded")[0].GetString());
    }

    [Fact]
    public async Task HEAD_has_the_length_and_no_body()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var response = await host.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/who"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True(response.Content.Headers.ContentLength > 0);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("DELETE")]
    public async Task It_only_reads(string method)
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var response = await host.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), "/who"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }
}
