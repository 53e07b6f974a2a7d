using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using EchoHost.Http.Live;
using EchoHost.Lifetime;
using EchoHost.Tests.Infrastructure;
using EchoHost.Tests.Peers.Mesh;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Http.Live;

public class LiveEndpointTests
{
    [Fact]
    public async Task A_watcher_first_gets_the_whole_state()
    {
        await using var host = await EchoHostFixture.StartAsync("Instance:Name=a", "Instance:Labels:zone=z", "Echo:Limits:MaxConnections=77");
        await using var events = await EventStream.OpenAsync(host.Http);
        Assert.Equal("text/event-stream", events.Response.Content.Headers.ContentType?.ToString());
        Assert.True(events.Response.Headers.CacheControl?.NoStore);

        var (name, data) = (await events.NextAsync())!.Value;
        Assert.Equal("host", name);
        Assert.Equal("a", data.GetProperty("instance").GetString());
        Assert.Equal("""{"zone":"z"}""", data.GetProperty("labels").GetRawText());
        Assert.Equal("accepting", data.GetProperty("state").GetString());
        Assert.Equal(77, data.GetProperty("maxConnections").GetInt32());
        Assert.False(data.GetProperty("admin").GetBoolean());
        Assert.InRange(data.GetProperty("startedAt").GetDateTime(), DateTime.UtcNow - Wait.Limit, DateTime.UtcNow);
        var endpoints = JsonElement.Parse(await host.Http.GetStringAsync("/endpoints")).GetProperty("endpoints");
        Assert.Equal(endpoints.GetRawText(), data.GetProperty("endpoints").GetRawText());

        (name, data) = (await events.NextAsync())!.Value;
        Assert.Equal("history", name);
        Assert.Equal(data.GetProperty("connections").GetArrayLength(), data.GetProperty("sent").GetArrayLength());
        (name, data) = (await events.NextAsync())!.Value;
        Assert.Equal("peers", name);
        Assert.Equal("""{"all":true,"intervalSeconds":10,"columnProbes":5,"peers":[],"gone":[]}""", data.GetRawText());
    }

    [Fact]
    public async Task Each_second_tells_what_happened_in_it()
    {
        await using var host = await EchoHostFixture.StartAsync();
        await using var events = await EventStream.OpenAsync(host.Http);
        await events.NextAsync("sample");
        using var client = await host.ConnectAsync();
        await client.EchoAsync("12345");
        // On a busy machine it is spread over several seconds.
        var sum = 0L;
        var sample = await events.UntilAsync("sample", e => (sum += e.GetProperty("received").GetInt64()) >= 5);
        Assert.Equal(1, sample.GetProperty("connections").GetInt64());
        Assert.Equal(5, sum);
        // The same second is in the history of those who come later.
        await using var later = await EventStream.OpenAsync(host.Http);
        var received = (await later.NextAsync("history")).GetProperty("received").EnumerateArray().Select(second => second.GetInt64());
        Assert.Contains(sample.GetProperty("received").GetInt64(), received);
    }

    [Fact]
    public async Task The_head_is_sent_again_when_it_changes()
    {
        await using var host = await EchoHostFixture.StartAsync();
        await using var events = await EventStream.OpenAsync(host.Http);
        await events.NextAsync("sample");
        using var client = await host.ConnectAsync();
        await client.EchoAsync("x");
        await events.UntilAsync("host", e => e.GetProperty("endpoints")[0].GetProperty("connections").GetInt64() == 1);
    }

    [Fact]
    public async Task Peers_are_sent_when_they_were_probed_with_the_columns_that_changed()
    {
        await using var peer = StubPeer.Echoes();
        await using var host = await EchoHostFixture.StartAsync([MeshHost.Interval, .. MeshHost.Targets(peer.Name)]);
        await using var events = await EventStream.OpenAsync(host.Http);
        var strip = (await events.UntilAsync("peers", e => !e.GetProperty("all").GetBoolean() && Strip(e).First > 0)).GetProperty("peers")[0];
        Assert.Equal(peer.Name, strip.GetProperty("name").GetString());
        Assert.Equal("up", strip.GetProperty("state").GetString());
        Assert.InRange(strip.GetProperty("strip").GetProperty("columns")[0][0].GetDouble(), 0, Wait.Limit.TotalMilliseconds);

        // One who comes now gets it from the first column on.
        await using var later = await EventStream.OpenAsync(host.Http);
        var all = await later.NextAsync("peers");
        Assert.True(all.GetProperty("all").GetBoolean());
        Assert.Equal(0, Strip(all).First);
        Assert.Equal(5, Strip(all).Columns[0][4].GetInt32());
    }

    [Fact]
    public async Task The_drain_is_shown_to_its_end_and_does_not_wait_for_watchers()
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:Shutdown:ReadinessDelay=00:00:02");
        await using var events = await EventStream.OpenAsync(host.Http);
        await events.NextAsync("sample");
        var stop = host.BeginStop();
        await events.UntilAsync("host", e => e.GetProperty("state").GetString() == "draining");
        while (await events.NextAsync() is not null)
        {
        }

        await stop.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task A_drain_that_ends_in_the_second_in_which_it_began_is_shown()
    {
        var time = new FakeTimeProvider();
        await using var host = await EchoHostFixture.StartAsync(time);
        var feed = host.Services.GetRequiredService<LiveFeed>();
        time.Advance(TimeSpan.FromSeconds(1));
        var watcher = feed.Join(() => { })!;
        Assert.True(watcher.Events.TryRead(out _));
        host.Services.GetRequiredService<DrainState>().BeginDraining();
        feed.End();
        Assert.True(watcher.Events.TryRead(out var last));
        Assert.Contains("\"state\":\"draining\"", Encoding.UTF8.GetString(last.Span), StringComparison.Ordinal);
        Assert.False(await watcher.Events.WaitToReadAsync().AsTask().WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task A_change_between_two_watchers_of_one_second_is_not_lost()
    {
        var time = new FakeTimeProvider();
        await using var host = await EchoHostFixture.StartAsync(time, "Echo:Shutdown:ReadinessDelay=00:00:10");
        var feed = host.Services.GetRequiredService<LiveFeed>();
        var first = feed.Join(() => { })!;
        feed.Leave(first);
        host.Services.GetRequiredService<DrainState>().BeginDraining();
        // The same second: what the second one gets is what the first one got.
        var second = feed.Join(() => { })!;
        Assert.True(second.Events.TryRead(out var snapshot));
        Assert.Contains("\"state\":\"accepting\"", Encoding.UTF8.GetString(snapshot.Span), StringComparison.Ordinal);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(second.Events.TryRead(out var events));
        Assert.Contains("\"state\":\"draining\"", Encoding.UTF8.GetString(events.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_history_without_a_second_ends_now()
    {
        var time = new FakeTimeProvider();
        await using var host = await EchoHostFixture.StartAsync(time);
        await using var events = await EventStream.OpenAsync(host.Http);
        Assert.Equal(time.GetUtcNow().UtcDateTime, (await events.NextAsync("history")).GetProperty("end").GetDateTime());
    }

    [Fact]
    public async Task Watchers_beyond_the_limit_are_asked_to_come_later()
    {
        await using var host = await EchoHostFixture.StartAsync();
        var feed = host.Services.GetRequiredService<LiveFeed>();
        for (var i = 0; i < LiveFeed.MaxWatchers; i++)
        {
            Assert.NotNull(feed.Join(() => { }));
        }

        using var response = await host.Http.GetAsync("/live");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task One_who_left_is_forgotten()
    {
        await using var host = await EchoHostFixture.StartAsync();
        var feed = host.Services.GetRequiredService<LiveFeed>();
        await using (var events = await EventStream.OpenAsync(host.Http))
        {
            await events.NextAsync("sample");
            Assert.Equal(1, feed.Watchers);
        }

        await Wait.UntilAsync(() => feed.Watchers == 0, "the watcher is forgotten");
    }

    [Fact]
    public void One_who_does_not_read_is_ended_and_others_go_on()
    {
        var isEnded = false;
        var slow = new LiveWatcher(() => isEnded = true);
        var sent = 0;
        while (!isEnded)
        {
            slow.Send(Encoding.ASCII.GetBytes($"{sent++}"));
            Assert.InRange(sent, 0, 100);
        }

        // What was sent before stays in order.
        Assert.True(slow.Events.TryRead(out var first));
        Assert.Equal("0", Encoding.ASCII.GetString(first.Span));
    }

    [Fact]
    public async Task Head_answers_without_watching()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var response = await host.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/live"));
        Assert.Equal(new MediaTypeHeaderValue("text/event-stream"), response.Content.Headers.ContentType);
        Assert.Equal(0, host.Services.GetRequiredService<LiveFeed>().Watchers);
    }

    private static (long First, JsonElement Columns) Strip(JsonElement peers) => peers.GetProperty("peers") is var list && list.GetArrayLength() > 0
        && list[0].GetProperty("strip") is var strip
            ? (strip.GetProperty("first").GetInt64(), strip.GetProperty("columns"))
            : (-1, default);
}
