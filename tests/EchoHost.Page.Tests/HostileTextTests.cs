using System.Text;
using EchoHost.Tests.Browser;
using EchoHost.Tests.Infrastructure;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace EchoHost.Tests;

/// <summary>Text from elsewhere is shown as text.</summary>
public class HostileTextTests(Chromium chromium)
{
    private const string Markup = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

    [Fact]
    public async Task Markup_in_an_authority_a_server_name_and_labels_does_not_run()
    {
        using var certificate = new TestCertificate();
        await using var host = await EchoHostFixture.StartAsync(
        [
            .. certificate.Settings,
            $"Instance:Name=a{Markup}",
            $"Instance:Labels:zone={Markup}",
            "Echo:TrustedProxies:0=127.0.0.0/8",
            "Echo:Endpoints:Tcp:ProxyProtocol=Required",
        ]);
        using var client = await host.ConnectAsync();
        await client.SendAsync(ProxyHeaders.V2(
            "203.0.113.7:56324",
            "192.0.2.1:5555",
            ProxyHeaders.Tlv(0x02, Encoding.UTF8.GetBytes(Markup)),
            ProxyHeaders.Tlv(0x05, Encoding.UTF8.GetBytes(Markup))));
        await client.EchoAsync(Markup);
        await using var page = await chromium.OpenAsync(host);
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync($"a{Markup}");
        await Expect(page.Page.Locator("#labels")).ToContainTextAsync(Markup);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "203.0.113.7:56324" }).ClickAsync();
        await Expect(page.Page.Locator("#panel")).ToContainTextAsync(Markup);
        Assert.Equal(0, await page.Page.Locator("img:not([src='page/icon.svg'])").CountAsync());
        Assert.Equal(1, await page.Page.Locator("script").CountAsync());
        Assert.DoesNotContain("owned", (await page.Page.TitleAsync()).Replace(Markup, "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_policy_stops_what_would_run_even_if_the_page_took_it_for_markup()
    {
        await using var host = await EchoHostFixture.StartAsync();
        await using var page = await chromium.OpenAsync(host);
        page.MayComplain = _ => true;
        await Expect(page.Page.Locator("#link")).ToContainTextAsync("live");
        // As a careless page would do it.
        string[] attempts =
        [
            "markup => document.body.innerHTML = markup",
            "() => document.body.setAttribute('onclick', \"document.title='owned'\")",
            "() => { const script = document.createElement('script'); script.textContent = \"document.title='owned'\"; document.body.append(script); }",
        ];
        foreach (var attempt in attempts)
        {
            var outcome = await page.Page.EvaluateAsync<string>(
                $"markup => {{ try {{ ({attempt})(markup); return ''; }} catch (e) {{ return e.name; }} }}", Markup);
            Assert.Equal("TypeError", outcome);
        }

        Assert.NotEqual("owned", await page.Page.TitleAsync());
    }
}
