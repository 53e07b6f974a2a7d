using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Http;

/// <summary><c>GET /endpoints</c>, and faults at run time.</summary>
public class EndpointsEndpointTests
{
    private const string Token = "Admin:Token=correct-horse-battery";

    [Fact]
    public async Task Every_raw_endpoint_is_listed()
    {
        await using var host = await EchoHostFixture.StartAsync(
            "Echo:Endpoints:Who:Url=tcp://127.0.0.1:0",
            "Echo:Endpoints:Who:Service=Who",
            "Echo:Endpoints:Who:Faults:Delay=200ms",
            "Echo:Endpoints:Who:Faults:Share=0.5");
        using var client = await host.ConnectAsync();
        await client.EchoAsync("hello");
        var endpoints = (await host.Http.GetFromJsonAsync<JsonElement>("/endpoints")).GetProperty("endpoints");
        Assert.Equal(2, endpoints.GetArrayLength());
        var echo = endpoints.EnumerateArray().Single(e => e.GetProperty("name").GetString() == "Tcp");
        Assert.Equal($$"""["{{host.Tcp}}"]""", echo.GetProperty("addresses").GetRawText());
        Assert.Equal(("Echo", 1), (echo.GetProperty("service").GetString(), echo.GetProperty("connections").GetInt32()));
        Assert.Equal(JsonValueKind.Null, echo.GetProperty("faults").ValueKind);
        var who = endpoints.EnumerateArray().Single(e => e.GetProperty("name").GetString() == "Who");
        Assert.Equal("Who", who.GetProperty("service").GetString());
        Assert.Equal("""{"share":0.5,"delay":"200ms"}""", who.GetProperty("faults").GetRawText());
        Assert.Equal(JsonValueKind.Null, who.GetProperty("faultsUntil").ValueKind);
    }

    [Fact]
    public async Task Faults_hold_for_new_connections_until_they_are_ended()
    {
        await using var host = await StartAsync(Token);
        using var before = await host.ConnectAsync();
        await before.EchoAsync("hello");
        var set = await PutAsync(host, "tcp", "?for=5m", """{"CloseAfterBytes":0,"networks":["127.0.0.0/8"]}""");
        Assert.Equal(HttpStatusCode.OK, set.StatusCode);
        var endpoint = await set.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("""{"networks":["127.0.0.0/8"],"closeAfterBytes":0}""", endpoint.GetProperty("faults").GetRawText());
        Assert.Contains(
            host.Log.Entries,
            e => e.Level == LogLevel.Warning && e.Text.EndsWith(
                " makes endpoint Tcp misbehave: close after 0 bytes, for clients from 127.0.0.0/8, for 5m", StringComparison.Ordinal));
        using (var during = await host.ConnectAsync())
        {
            Assert.Empty(await during.ReceiveToEndAsync());
        }

        await before.EchoAsync("still untouched");
        Assert.Equal(HttpStatusCode.NoContent, (await host.Http.DeleteAsync("/endpoints/Tcp/faults")).StatusCode);
        using var after = await host.ConnectAsync();
        await after.EchoAsync("hello");
    }

    [Fact]
    public async Task They_end_by_themselves()
    {
        var time = new FakeTimeProvider();
        await using var host = await EchoHostFixture.StartAsync(time, Token);
        host.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "correct-horse-battery");
        await PutAsync(host, "Tcp", "?for=10s", """{"closeAfterBytes":0}""");
        using (var during = await host.ConnectAsync())
        {
            Assert.Empty(await during.ReceiveToEndAsync());
        }

        time.Advance(TimeSpan.FromSeconds(10));
        using var after = await host.ConnectAsync();
        await after.EchoAsync("hello");
    }

    [Theory]
    [InlineData("Nope", "?for=1m", "{\"silent\":true}", 404, "no endpoint is called 'Nope'; there are Tcp")]
    [InlineData("Tcp", "", "{\"silent\":true}", 400, "for is missing: the time after which the faults end, as in for=5m")]
    [InlineData("Tcp", "?for=soon", "{\"silent\":true}", 400, "for is 'soon'; expected a time as in 500ms, 30s, 2m, 1h or 00:00:30")]
    [InlineData("Tcp", "?for=25h", "{\"silent\":true}", 400, "for is '25h'; expected 1s to 24h")]
    [InlineData("Tcp", "?for=1m&x=1", "{\"silent\":true}", 400, "x is no parameter of this call; it has for")]
    [InlineData("Tcp", "?for=1m", "", 400, "the body is not a JSON object")]
    [InlineData("Tcp", "?for=1m", "[1]", 400, "the body is not a JSON object")]
    [InlineData("Tcp", "?for=1m", "{}", 400, "the body names no fault; to end faults, use DELETE")]
    [InlineData("Tcp", "?for=1m", "{\"share\":0.5}", 400, "Faults chooses connections, but names no fault")]
    [InlineData("Tcp", "?for=1m", "{\"delay\":\"soon\"}", 400, "Faults:Delay is 'soon'; expected a time as in 500ms, 30s, 2m, 1h or 00:00:30")]
    [InlineData("Tcp", "?for=1m", "{\"latency\":\"1s\"}", 400, "Faults:latency is not a key that this host knows")]
    public async Task A_mistake_is_told_and_changes_nothing(string endpoint, string query, string body, int status, string detail)
    {
        await using var host = await StartAsync(Token);
        var response = await PutAsync(host, endpoint, query, body);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.StartsWith(detail, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        using var client = await host.ConnectAsync();
        await client.EchoAsync("hello");
    }

    [Fact]
    public async Task They_need_the_token()
    {
        await using var host = await EchoHostFixture.StartAsync(Token);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PutAsync(host, "Tcp", "?for=1m", """{"silent":true}""")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Http.DeleteAsync("/endpoints/Tcp/faults")).StatusCode);
        await using var open = await EchoHostFixture.StartAsync();
        Assert.Equal(HttpStatusCode.NotFound, (await PutAsync(open, "Tcp", "?for=1m", """{"silent":true}""")).StatusCode);
    }

    /// <summary>Connections come and go while faults are switched on and off: none is left behind, and none is lost.</summary>
    [Fact]
    public async Task Switching_on_and_off_leaves_nothing_behind()
    {
        await using var host = await StartAsync(Token, "Echo:LogMessages=false");
        using var over = new CancellationTokenSource();
        var switching = Task.Run(async () =>
        {
            string[] bodies =
            [
                """{"delay":"5ms"}""", """{"resetAfterBytes":2}""", """{"closeAfterBytes":2}""", """{"sliceBytes":1}""", """{"silent":true}""",
                """{"stalled":true,"closeAfter":"10ms"}""",
            ];
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                Assert.Equal(HttpStatusCode.OK, (await PutAsync(host, "Tcp", "?for=1m", bodies[i % bodies.Length])).StatusCode);
                await Task.Delay(25);
                Assert.Equal(HttpStatusCode.NoContent, (await host.Http.DeleteAsync("/endpoints/Tcp/faults")).StatusCode);
                await Task.Delay(25);
            }
        });
        var count = TestScale.Of(300, 10_000);
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 20 }, async (_, _) =>
        {
            try
            {
                using var client = await host.ConnectAsync();
                await client.SendAsync("hello");
                client.HalfClose();
                await client.ReceiveToEndAsync();
            }
            catch (Exception e) when (e is System.Net.Sockets.SocketException)
            {
                // A reset, on purpose.
            }
        });
        await over.CancelAsync();
        await switching.WaitAsync(Wait.Limit);
        await Wait.UntilAsync(
            async () => (await host.Http.GetFromJsonAsync<JsonElement>("/connections")).GetProperty("active").GetInt32() == 0, "no connection is left");
        using var last = await host.ConnectAsync();
        await last.EchoAsync("hello");
    }

    private static async Task<EchoHostFixture> StartAsync(params string[] settings)
    {
        var host = await EchoHostFixture.StartAsync(settings);
        host.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "correct-horse-battery");
        return host;
    }

    private static async Task<HttpResponseMessage> PutAsync(EchoHostFixture host, string endpoint, string query, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        return await host.Http.PutAsync($"/endpoints/{endpoint}/faults{query}", content);
    }
}
