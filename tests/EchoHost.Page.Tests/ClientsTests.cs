using System.Net;
using System.Text;
using EchoHost.Tests.Browser;
using EchoHost.Tests.Infrastructure;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace EchoHost.Tests;

public class ClientsTests(Chromium chromium)
{
    private const string Token = "correct-horse-battery";

    [Fact]
    public async Task Without_clients_the_page_says_how_to_become_one()
    {
        await using var host = await EchoHostFixture.StartAsync();
        await using var page = await chromium.OpenAsync(host);
        await Expect(page.Page.Locator("#clients-empty")).ToContainTextAsync($"telnet 127.0.0.1 {((IPEndPoint)host.Tcp).Port}");
    }

    [Fact]
    public async Task Clients_come_are_sorted_and_go()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var first = await host.ConnectAsync();
        // Before the other comes: the host may begin with them in either order.
        await first.EchoAsync("x");
        using var second = await host.ConnectAsync();
        await second.EchoAsync(new string('x', 2000));
        await using var page = await chromium.OpenAsync(host);
        var rows = page.Page.Locator("#clients-table tbody tr");
        await Expect(rows).ToHaveCountAsync(2);
        await Expect(rows.First).ToContainTextAsync(first.LocalAddress);
        await page.Page.Locator("#sort label", new PageLocatorOptions { HasText = "Bytes" }).ClickAsync();
        await Expect(rows.First).ToContainTextAsync(second.LocalAddress);
        await Expect(rows.First).ToContainTextAsync("2.00 kB");

        second.Dispose();
        await Expect(rows).ToHaveCountAsync(1);
        await Expect(page.Page.Locator("#clients-note")).ToHaveTextAsync("1 client");
    }

    [Fact]
    public async Task A_network_chooses_clients_and_a_wrong_one_is_explained_in_the_hosts_words()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var one = await EchoClient.ConnectAsync(host.Tcp, from: IPAddress.Parse("127.0.0.2"));
        using var other = await EchoClient.ConnectAsync(host.Tcp, from: IPAddress.Parse("127.0.1.2"));
        await one.EchoAsync("x");
        await other.EchoAsync("x");
        await using var page = await chromium.OpenAsync(host);
        page.MayComplain = complaint => complaint.Contains("400", StringComparison.Ordinal);
        var rows = page.Page.Locator("#clients-table tbody tr");
        await Expect(rows).ToHaveCountAsync(2);
        var filter = page.Page.Locator("#filter-text");
        await filter.FillAsync("127.0.1.0/24");
        await filter.PressAsync("Enter");
        await Expect(rows).ToHaveCountAsync(1);
        await Expect(rows).ToContainTextAsync(other.LocalAddress);
        await filter.FillAsync("127.0.1");
        await filter.PressAsync("Enter");
        await Expect(page.Page.Locator("#filter-error")).ToHaveTextAsync("peer is '127.0.1'; expected an address, an address and port, or a network (CIDR)");
        await filter.FillAsync("");
        await Expect(rows).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task Details_show_what_came_with_the_connection()
    {
        using var certificate = new TestCertificate();
        await using var host = await EchoHostFixture.StartAsync(
            [.. certificate.Settings, "Echo:TrustedProxies:0=127.0.0.0/8", "Echo:Endpoints:Tcp:ProxyProtocol=Required"]);
        using var client = await host.ConnectAsync();
        await client.SendAsync(ProxyHeaders.V2("203.0.113.7:56324", "192.0.2.1:5555", ProxyHeaders.Tlv(0x02, Encoding.ASCII.GetBytes("echo.example"))));
        await client.EchoAsync("x");
        await using var tls = await TlsClient.ConnectAsync(host);
        await using var page = await chromium.OpenAsync(host);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "203.0.113.7:56324" }).ClickAsync();
        var panel = page.Page.Locator("#panel");
        await Expect(panel).ToContainTextAsync("echo.example");
        await Expect(panel).ToContainTextAsync(client.LocalAddress);
        await panel.PressAsync("Escape");
        await Expect(panel).ToBeHiddenAsync();
        await Expect(page.Page.Locator("#clients-table")).ToContainTextAsync("TLSv1.3");
    }

    [Fact]
    public async Task A_connection_is_closed_with_the_right_token_alone()
    {
        await using var host = await EchoHostFixture.StartAsync($"Admin:Token={Token}");
        using var client = await host.ConnectAsync();
        await client.EchoAsync("x");
        await using var page = await chromium.OpenAsync(host);
        page.MayComplain = complaint => complaint.Contains("401", StringComparison.Ordinal) || complaint.Contains("404", StringComparison.Ordinal);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = client.LocalAddress }).ClickAsync();
        await CloseAsync(page, "wrong");
        await Expect(page.Page.Locator("#panel-foot")).ToContainTextAsync("wrong token");
        await client.EchoAsync("still here");
        await CloseAsync(page, Token);
        await client.ReceiveEndAsync();
        await Expect(page.Page.Locator("#panel")).ToContainTextAsync("This connection has ended");
        // For this tab alone: another one asks again.
        Assert.Equal(Token, await page.Page.EvaluateAsync<string>("() => Object.values(sessionStorage).join()"));
        Assert.Equal(0, await page.Page.EvaluateAsync<int>("() => localStorage.length"));
    }

    /// <summary>Whether there is a token comes with the live stream, and the clients do not wait for that.</summary>
    [Fact]
    public async Task A_sheet_that_is_opened_before_the_stream_asks_for_the_token_later()
    {
        await using var host = await EchoHostFixture.StartAsync($"Admin:Token={Token}");
        using var client = await host.ConnectAsync();
        await client.EchoAsync("x");
        await using var page = await chromium.OpenAsync(host);
        var stream = new TaskCompletionSource();
        await page.Page.RouteAsync("**/live", async route =>
        {
            await stream.Task;
            await route.ContinueAsync();
        });
        await page.Page.ReloadAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = client.LocalAddress }).ClickAsync();
        await Expect(page.Page.Locator("#panel")).ToContainTextAsync("Traffic");
        await Expect(page.Page.Locator("#panel-foot")).ToBeEmptyAsync();
        stream.SetResult();
        await Expect(page.Page.GetByLabel("Admin token")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Without_a_configured_token_nothing_can_be_closed()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var client = await host.ConnectAsync();
        await client.EchoAsync("x");
        await using var page = await chromium.OpenAsync(host);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = client.LocalAddress }).ClickAsync();
        await Expect(page.Page.Locator("#panel-foot")).ToContainTextAsync("Admin:Token");
        await Expect(page.Page.Locator("#panel-foot button")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Of_very_many_clients_two_hundred_are_shown()
    {
        var count = TestScale.Of(300, 9_000);
        await using var host = await EchoHostFixture.StartAsync("Echo:LogMessages=false", $"Echo:Limits:MaxConnections={count}");
        var clients = new List<EchoClient>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                clients.Add(await host.ConnectAsync());
            }

            await using var page = await chromium.OpenAsync(host);
            await Expect(page.Page.Locator("#clients-table tbody tr")).ToHaveCountAsync(200);
            var all = count.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);
            await Expect(page.Page.Locator("#clients-note")).ToHaveTextAsync($"200 of {all} shown");
            await Expect(page.Page.Locator("#load")).ToHaveTextAsync(all);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private static async Task CloseAsync(HostPage page, string token)
    {
        var foot = page.Page.Locator("#panel-foot");
        await foot.Locator("input").FillAsync(token);
        await foot.GetByRole(AriaRole.Button, new() { Name = "Use it" }).ClickAsync();
        await foot.GetByRole(AriaRole.Button, new() { Name = "Close the connection" }).ClickAsync();
        await foot.GetByRole(AriaRole.Button, new() { Name = "Close it" }).ClickAsync();
    }
}
