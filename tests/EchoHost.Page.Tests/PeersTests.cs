using EchoHost.Tests.Browser;
using EchoHost.Tests.Infrastructure;
using EchoHost.Tests.Peers.Mesh;
using static Microsoft.Playwright.Assertions;

namespace EchoHost.Tests;

public class PeersTests(Chromium chromium)
{
    [Fact]
    public async Task Without_peers_the_page_says_how_to_have_some()
    {
        await using var host = await EchoHostFixture.StartAsync();
        await using var page = await chromium.OpenAsync(host);
        await Expect(page.Page.Locator("#peers-empty")).ToContainTextAsync("Peers:Targets");
    }

    [Fact]
    public async Task Peers_are_shown_with_their_state_in_words_and_troubled_ones_first()
    {
        await using StubPeer good = StubPeer.Echoes(), full = StubPeer.TurnsAway(), lying = StubPeer.Lies();
        await using var host = await EchoHostFixture.StartAsync([MeshHost.Interval, .. MeshHost.Targets(good.Name, full.Name, lying.Name)]);
        await using var page = await chromium.OpenAsync(host);
        var rows = page.Page.Locator("#peers-table tbody tr");
        await Expect(rows).ToHaveCountAsync(3);
        await Expect(rows.Nth(0)).ToContainTextAsync(lying.Name);
        await Expect(rows.Nth(0)).ToContainTextAsync("down");
        await Expect(rows.Nth(1)).ToContainTextAsync(full.Name);
        await Expect(rows.Nth(1)).ToContainTextAsync("turns connections away");
        await Expect(rows.Nth(2)).ToContainTextAsync("up");
        // Both the spread of what came back and the share of what was lost are drawn.
        await Expect(rows.Nth(2).Locator(".strip-median")).ToHaveAttributeAsync("d", new System.Text.RegularExpressions.Regex("^M"));
        await Expect(rows.Nth(0).Locator(".strip-loss")).ToHaveAttributeAsync("d", new System.Text.RegularExpressions.Regex("^M"));
    }

    [Fact]
    public async Task A_peer_that_dies_is_shown_at_once()
    {
        var peer = StubPeer.Echoes();
        await using var host = await EchoHostFixture.StartAsync([MeshHost.Interval, "Instance:Name=a", .. MeshHost.Targets(peer.Name)]);
        await using var page = await chromium.OpenAsync(host);
        var row = page.Page.Locator("#peers-table tbody tr");
        await Expect(row).ToContainTextAsync("up");
        await peer.DisposeAsync();
        await Expect(row).ToContainTextAsync("down");
        await Expect(row).ToContainTextAsync("refused");
        await Expect(page.Page).ToHaveTitleAsync("! a: 1 peer down");
        await Expect(page.Page.Locator("#announcer")).ToHaveTextAsync($"Peer {peer.Name} is down.");
    }
}
