using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Http;

/// <summary>The parameters of <c>/connections</c>.</summary>
public class ConnectionsQueryTests
{
    [Theory]
    [InlineData("limit", "-1")]
    [InlineData("limit", "all")]
    [InlineData("sort", "name")]
    [InlineData("peer", "somebody")]
    [InlineData("peer", "10.0.0.0/99")]
    public async Task A_query_that_makes_no_sense_is_refused_naming_it(string name, string value)
    {
        await using var host = await EchoHostFixture.StartAsync();
        var response = await host.Http.GetAsync($"/connections?{name}={value}");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(
            $"{name} is '{value}'",
            (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString(),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST", "/connections")]
    [InlineData("DELETE", "/connections")]
    public async Task Nothing_can_be_changed(string method, string path)
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await host.Http.SendAsync(request)).StatusCode);
    }
}
