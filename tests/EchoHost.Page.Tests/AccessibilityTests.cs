using EchoHost.Tests.Browser;
using EchoHost.Tests.Infrastructure;
using EchoHost.Tests.Peers.Mesh;
using Microsoft.Playwright;
using Xunit.Sdk;
using static Microsoft.Playwright.Assertions;

namespace EchoHost.Tests;

public class AccessibilityTests(Chromium chromium)
{
    [Fact]
    public async Task An_empty_host_has_no_violation()
    {
        await using var host = await EchoHostFixture.StartAsync();
        await using var page = await chromium.OpenAsync(host);
        await Expect(page.Page.Locator("#clients-empty")).ToBeVisibleAsync();
        await Axe.CheckAsync(page.Page);
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 360)]
    [InlineData(ColorScheme.Dark, 360)]
    public async Task A_host_with_clients_and_peers_has_no_violation(ColorScheme colors, int width)
    {
        await using StubPeer good = StubPeer.Echoes(), full = StubPeer.TurnsAway(), lying = StubPeer.Lies();
        await using var host = await EchoHostFixture.StartAsync([MeshHost.Interval, .. MeshHost.Targets(good.Name, full.Name, lying.Name)]);
        using EchoClient one = await host.ConnectAsync(), other = await host.ConnectAsync();
        await one.EchoAsync("x");
        await using var page = await chromium.OpenAsync(host, new() { ColorScheme = colors, ViewportSize = new() { Width = width, Height = 800 } });
        await Expect(page.Page.Locator("#peers-table tbody tr").First).ToContainTextAsync("down");
        await page.Page.Locator("#clients").ScrollIntoViewIfNeededAsync();
        await Expect(page.Page.Locator("#clients-table tbody tr")).ToHaveCountAsync(2);
        await Axe.CheckAsync(page.Page);
        // Nothing is wider than the window.
        Assert.Equal(width, await page.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));

        await page.Page.Locator("#clients-table tbody button").First.ClickAsync();
        await Expect(page.Page.Locator("#panel")).ToContainTextAsync("Connection");
        await Axe.CheckAsync(page.Page);
        await page.Page.Locator("#panel-close").ClickAsync();
        await page.Page.Locator("#peers-table tbody button").First.ClickAsync();
        await Expect(page.Page.Locator("#panel")).ToContainTextAsync("Round trip");
        await Axe.CheckAsync(page.Page);
    }

    [Fact]
    public async Task A_violation_is_found()
    {
        await using var host = await EchoHostFixture.StartAsync();
        await using var page = await chromium.OpenAsync(host);
        await page.Page.EvaluateAsync("() => document.body.append(document.createElement('button'))");
        await Assert.ThrowsAsync<EmptyException>(() => Axe.CheckAsync(page.Page));
    }

    [Fact]
    public async Task The_keyboard_alone_reaches_a_clients_details_and_comes_back()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var client = await host.ConnectAsync();
        await client.EchoAsync("x");
        await using var page = await chromium.OpenAsync(host);
        var button = page.Page.Locator("#clients-table tbody button");
        await Expect(button).ToHaveCountAsync(1);
        for (var tabs = 0; !await button.EvaluateAsync<bool>("e => e === document.activeElement"); tabs++)
        {
            Assert.InRange(tabs, 0, 60);
            await page.Page.Keyboard.PressAsync("Tab");
        }

        await page.Page.Keyboard.PressAsync("Enter");
        await Expect(page.Page.Locator("#panel")).ToBeVisibleAsync();
        await page.Page.Keyboard.PressAsync("Escape");
        await Expect(page.Page.Locator("#panel")).ToBeHiddenAsync();
        await Expect(button).ToBeFocusedAsync();
    }
}
