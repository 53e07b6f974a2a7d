using System.Net.Http.Headers;
using System.Net.Http.Json;
using EchoHost.Tests.Browser;
using EchoHost.Tests.Infrastructure;
using static Microsoft.Playwright.Assertions;

namespace EchoHost.Tests;

public class HeadTests(Chromium chromium)
{
    private const string Token = "correct-horse-battery";

    [Fact]
    public async Task The_head_says_which_host_this_is_and_what_it_does()
    {
        await using var host = await EchoHostFixture.StartAsync("Instance:Name=echo-1", "Instance:Labels:zone=z1", "Echo:Limits:MaxConnections=1000");
        await using var page = await chromium.OpenAsync(host);
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("echo-1");
        await Expect(page.Page.Locator("#state")).ToContainTextAsync("Accepting");
        await Expect(page.Page.Locator("#labels")).ToContainTextAsync("zone z1");
        await Expect(page.Page.Locator("#uptime")).ToContainTextAsync("up for");
        await Expect(page.Page.Locator("#version")).ToContainTextAsync("version 1.");
        await Expect(page.Page.Locator("#link")).ToContainTextAsync("live");
        var endpoint = page.Page.Locator("#endpoints tbody tr");
        await Expect(endpoint).ToContainTextAsync($"Tcp{"Echo"}{host.Tcp}");
        await Expect(page.Page.Locator("#load-limit")).ToContainTextAsync("1,000");

        using var client = await host.ConnectAsync();
        await client.EchoAsync("x");
        await Expect(page.Page.Locator("#load")).ToHaveTextAsync("1");
        await Expect(page.Page.Locator("#load-meter")).ToHaveAttributeAsync("aria-valuenow", "1");
    }

    [Fact]
    public async Task Faults_are_shown_while_they_last()
    {
        await using var host = await EchoHostFixture.StartAsync($"Admin:Token={Token}");
        await using var page = await chromium.OpenAsync(host);
        host.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        var faults = page.Page.Locator("#endpoints tbody tr td").Last;
        using (await host.Http.PutAsync("/endpoints/Tcp/faults?for=5m", JsonContent.Create(new { delay = "200ms" })))
        {
            await Expect(faults).ToContainTextAsync("delay 200");
            await Expect(faults).ToContainTextAsync("until");
        }

        using var cleared = await host.Http.DeleteAsync("/endpoints/Tcp/faults");
        await Expect(faults).Not.ToContainTextAsync("delay");
    }

    [Fact]
    public async Task Traffic_is_counted_and_drawn()
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:Limits:MaxConnections=1");
        await using var page = await chromium.OpenAsync(host);
        using var client = await host.ConnectAsync();
        await client.EchoAsync(new string('x', 5000));
        await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
        await page.Page.Locator("#minutes summary").ClickAsync();
        var minute = page.Page.Locator("#minutes tbody tr").Last;
        await Expect(minute).ToContainTextAsync("5.00 kB");
        await Expect(page.Page.Locator("#charts")).ToContainTextAsync("1in ten minutes");
        // A page that was opened later has it as well.
        await using var later = await chromium.OpenAsync(host);
        await later.Page.Locator("#minutes summary").ClickAsync();
        await Expect(later.Page.Locator("#minutes tbody tr").Last).ToContainTextAsync("5.00 kB");
    }

    [Fact]
    public async Task The_drain_is_shown_and_the_last_data_stay_until_the_host_is_back()
    {
        using var port = new HeldPort();
        await using var page = await DrainAsync(port.Port);
        await Expect(page.Page.Locator("#link")).ToContainTextAsync("next try in");
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("first");
        await Expect(page.Page).ToHaveTitleAsync("? first: no connection");

        await using var again = await EchoHostFixture.StartAsync("Instance:Name=second", $"Urls=http://127.0.0.1:{port.Port}");
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("second");
        await Expect(page.Page.Locator("#link")).ToContainTextAsync("live");
    }

    private async Task<HostPage> DrainAsync(int port)
    {
        await using var host = await EchoHostFixture.StartAsync(
            "Instance:Name=first", $"Urls=http://127.0.0.1:{port}", "Echo:Shutdown:ReadinessDelay=00:00:06");
        var page = await chromium.OpenAsync(host);
        // While there is no host, each try is reported.
        page.MayComplain = complaint => complaint.Contains("net::ERR", StringComparison.Ordinal);
        await Expect(page.Page.Locator("#link")).ToContainTextAsync("live");
        var stop = host.BeginStop();
        // The title first: it changes with the end of the stream, and the state stays.
        await Expect(page.Page).ToHaveTitleAsync("! first: draining");
        await Expect(page.Page.Locator("#state")).ToContainTextAsync("Draining");
        await stop.WaitAsync(Wait.Limit);
        return page;
    }
}
