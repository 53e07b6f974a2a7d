using System.Net;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>Hosts that each probe a few of the others, on addresses of loopback.</summary>
public class FanoutTests
{
    [Fact]
    public async Task Each_host_probes_fanout_of_the_others_and_one_that_leaves_is_replaced()
    {
        const int fanout = 3;
        await using var fleet = await LoopbackFleet.StartAsync(8, $"Peers:Fanout={fanout}");
        await fleet.UntilAllUpAsync(fanout);
        var before = await fleet.ChoicesAsync();
        Assert.All(fleet.Names, name => Assert.InRange(before.Values.Count(chosen => chosen.Contains(name)), 1, fleet.Names.Count - 1));
        Assert.All(before, choice => Assert.DoesNotContain(choice.Key, choice.Value));

        var leaver = fleet.Names[4];
        var askers = before.Where(choice => choice.Value.Contains(leaver)).Select(choice => choice.Key).ToHashSet();
        await fleet.LeaveAsync(leaver);
        foreach (var asker in askers)
        {
            await fleet[asker].UntilLoggedAsync($"Peer {leaver} left: no name has its address any more");
        }

        // The host that it probes instead joins a moment after.
        var after = await fleet.ChoicesAsync();
        await Wait.UntilAsync(
            async () => (after = await fleet.ChoicesAsync()).Values.All(chosen => chosen.Count == fanout),
            "each probes as many as before");
        foreach (var (host, chosen) in after)
        {
            Assert.Equal(askers.Contains(host) ? [leaver] : [], before[host].Except(chosen));
        }

        // It comes back, and has its askers again; those that gave up a choice for it say so.
        await fleet.JoinAsync(leaver);
        foreach (var asker in askers)
        {
            var gone = Assert.Single(after[asker].Except(before[asker]));
            await fleet[asker].UntilLoggedAsync($"Peer {gone} is no longer one of those that this host probes");
            await fleet[asker].UntilNoSeriesAsync(gone);
        }

        // It first chooses without having found its own address among the others'.
        await Wait.UntilAsync(
            async () =>
            {
                var again = await fleet.ChoicesAsync();
                return before.All(choice => again[choice.Key].SetEquals(choice.Value));
            },
            "each probes the same as before");
        await fleet.UntilAllUpAsync(fanout);
    }

    [Fact]
    public async Task Targets_are_probed_all_and_names_and_families_by_themselves()
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6, "this machine has no IPv6");
        using var held = new HeldPort();
        string[] ipv4 = [.. Enumerable.Range(1, 9).Select(i => $"127.0.2.{i}")];
        string[] ipv6 = [.. Enumerable.Range(1, 9).Select(i => $"2001:db8::{i}")];
        var resolver = new FakeResolver([.. ipv4, .. ipv6]);
        await using var host = await MeshHost.StartAsync(
            resolver,
            [
                held.Setting, "Peers:Fanout=2", "Peers:Interval=00:01:00", "Peers:Dns:0=one.example:1", "Peers:Dns:1=two.example:2",
                .. MeshHost.Targets("127.0.3.1:3", "127.0.3.2:3", "127.0.3.3:3", "127.0.2.1:1"),
            ]);
        async Task<int> CountAsync(string end) => (await host.PeersAsync()).Keys.Count(name => name.EndsWith(end, StringComparison.Ordinal));
        await Wait.UntilAsync(async () => await CountAsync(":2") == 4, "the second name is resolved");
        await Wait.UntilAsync(async () => await CountAsync("]:1") == 2, "the first one too");
        var peers = (await host.PeersAsync()).Keys.Select(IPEndPoint.Parse).ToList();
        Assert.Equal(3, peers.Count(peer => peer.Port == 3));
        // One that is a target too may be chosen besides.
        Assert.InRange(peers.Count(peer => peer.Port == 1 && peer.Address.GetAddressBytes().Length == 4), 2, 3);
        Assert.Equal(2, peers.Count(peer => peer.Port == 2 && peer.Address.GetAddressBytes().Length == 4));
    }
}
