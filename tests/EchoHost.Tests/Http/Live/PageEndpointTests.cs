using System.Net;
using System.Net.Http.Headers;
using EchoHost.Http.Live;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Http.Live;

public class PageEndpointTests
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    [Fact]
    public async Task The_page_is_at_the_root()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var response = await host.Http.GetAsync("/");
        Assert.Equal("text/html; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.StartsWith("<!doctype html>", await response.Content.ReadAsStringAsync(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Every_file_can_run_nothing_but_the_hosts_own()
    {
        await using var host = await EchoHostFixture.StartAsync();
        var names = new PageFiles().Names.ToArray();
        Assert.Contains("index.html", names);
        foreach (var name in names)
        {
            using var response = await host.Http.GetAsync($"/page/{name}");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(Policy, response.Headers.GetValues("Content-Security-Policy").Single());
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("no-referrer", response.Headers.GetValues("Referrer-Policy").Single());
            Assert.True(response.Headers.CacheControl?.NoCache);
            Assert.NotEmpty(await response.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task A_file_that_the_browser_has_is_not_sent_again()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var first = await host.Http.GetAsync("/");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var again = await host.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        Assert.Equal(first.Headers.ETag, again.Headers.ETag);
        using var other = new HttpRequestMessage(HttpMethod.Get, "/");
        other.Headers.IfNoneMatch.Add(new EntityTagHeaderValue("\"other\""));
        using var changed = await host.Http.SendAsync(other);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
    }

    [Fact]
    public async Task Head_has_the_length_and_no_body()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var response = await host.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/"));
        Assert.Equal(new PageFiles().Find("index.html")!.Content.Length, response.Content.Headers.ContentLength);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("/page/other.js")]
    [InlineData("/page/")]
    [InlineData("/page/..%2Fappsettings.json")]
    [InlineData("/page/INDEX.HTML")]
    public async Task There_are_no_other_files(string path)
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var response = await host.Http.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Under_a_foreign_name_there_is_no_page_and_no_stream()
    {
        await using var host = await EchoHostFixture.StartAsync();
        foreach (var path in new[] { "/", "/live" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Host = "rebound.example";
            using var response = await host.Http.SendAsync(request);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }
    }
}
