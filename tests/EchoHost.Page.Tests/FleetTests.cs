using EchoHost.Tests.Browser;
using EchoHost.Tests.Infrastructure;
using EchoHost.Tests.Peers.Mesh;
using static Microsoft.Playwright.Assertions;

namespace EchoHost.Tests;

public class FleetTests(Chromium chromium)
{
    [Fact]
    public async Task Without_a_fleet_the_section_is_not_there()
    {
        await using var host = await EchoHostFixture.StartAsync();
        await using var page = await chromium.OpenAsync(host);
        await Expect(page.Page.Locator("#link")).ToContainTextAsync("live");
        await Expect(page.Page.Locator("#fleet")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task The_matrix_shows_who_reaches_what_and_says_which_host_is_down()
    {
        using HeldPort echo = new("127.0.3.1", "127.0.3.2", "127.0.3.3"), http = new("127.0.3.1", "127.0.3.2", "127.0.3.3");
        await using var a = await StartAsync(1, echo.Port, http.Port);
        await using var b = await StartAsync(2, echo.Port, http.Port);
        var c = await StartAsync(3, echo.Port, http.Port);
        await using var page = await chromium.OpenAsync(a);
        var findings = page.Page.Locator("#findings");
        await page.Page.Locator("#fleet-link").ClickAsync();
        await Expect(page.Page.Locator("#matrix")).ToContainTextAsync("host-3");
        await Expect(findings).ToContainTextAsync("All 6 paths work");

        await c.DisposeAsync();
        await Expect(findings).ToContainTextAsync("host-3 is down: none of the 2 hosts that ask it gets an answer");
        // The last view of the host that is down stays, and is marked as old.
        await Expect(findings).ToContainTextAsync("The view of host-3 is");
        await page.Page.Locator("#failing summary").ClickAsync();
        await Expect(page.Page.Locator("#failing-list li")).ToHaveCountAsync(2);
        await Expect(page.Page.Locator("#failing-list")).ToContainTextAsync("refused");
    }

    private static Task<EchoHostFixture> StartAsync(int number, int port, int http) => EchoHostFixture.StartAsync(
    [
        $"Urls=http://127.0.3.{number}:{http}",
        $"Echo:Endpoints:Tcp:Url=tcp://127.0.3.{number}:{port}",
        $"Instance:Name=host-{number}",
        $"Instance:Labels:zone=z{number % 2}",
        $"Peers:HttpPort={http}",
        "Peers:Interval=00:00:01",
        .. MeshHost.Targets([.. Enumerable.Range(1, 3).Where(other => other != number).Select(other => $"127.0.3.{other}:{port}")]),
    ]);
}
