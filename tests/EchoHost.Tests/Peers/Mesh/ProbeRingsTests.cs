using System.Globalization;
using System.Runtime.CompilerServices;
using EchoHost.Peers.Mesh;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>Whole fleets on paper: which hosts probe which, without sockets.</summary>
public class ProbeRingsTests
{
    private const int Fleets = 20;

    /// <summary>What every host of every fleet must compute, whatever its machine and its version. Computed by another program too.</summary>
    [Fact]
    public void The_places_are_the_same_everywhere()
    {
        Assert.Equal(0xFF13A73B3F85F7A1UL, ProbeRings.KeyOf("10.0.0.1:5555"));
        string[] names = [.. Enumerable.Range(1, 20).Select(i => $"10.0.0.{i}:5555")];
        var keys = Array.ConvertAll(names, ProbeRings.KeyOf);
        Assert.Equal(
            ["10.0.0.9:5555", "10.0.0.12:5555", "10.0.0.3:5555", "10.0.0.14:5555"],
            ProbeRings.Choose(keys[0], keys.AsSpan(1), 4).Select(i => names[i + 1]));
    }

    [Theory]
    [InlineData(60, 3)]
    [InlineData(60, 8)]
    [InlineData(60, 16)]
    [InlineData(1000, 3)]
    [InlineData(1000, 8)]
    [InlineData(1000, 16)]
    public void Every_host_is_probed_by_at_least_half_of_fanout(int hosts, int fanout)
    {
        Assert.SkipUnless(TestScale.IsFull || hosts * fanout <= 8000, "takes seconds");
        List<int> rings = [], rendezvous = [];
        for (var fleet = 0; fleet < Fleets; fleet++)
        {
            var keys = Fleet(hosts, fleet);
            var choices = Choices(keys, fanout);
            Assert.All(choices, (chosen, host) => Assert.Equal(fanout, chosen.Where(peer => peer != host).Distinct().Count()));
            var askers = Askers(choices);
            Assert.All(askers, count => Assert.InRange(count, fanout / 2, hosts));
            rings.AddRange(askers);
            rendezvous.AddRange(Askers([.. keys.Select((own, i) => Rendezvous(own, i, keys, fanout))]));
        }

        var size = hosts.ToString("N0", CultureInfo.InvariantCulture);
        var row = $"| {size} | {fanout} | {Spread(rings)} | {Spread(rendezvous)} | {Share(rendezvous, fanout)} |";
        Assert.Contains(row, File.ReadAllLines(Documentation()));
    }

    /// <summary>
    /// A host that leaves is replaced on the choices of those that probed it, and nowhere else; so one that joins takes no
    /// more than one choice of each host that probes it now.
    /// </summary>
    [Theory]
    [InlineData(60, 8)]
    [InlineData(1000, 3)]
    [InlineData(1000, 8)]
    [InlineData(9, 7)]
    public void A_host_that_comes_or_goes_moves_one_choice_of_each_host_that_probes_it(int hosts, int fanout)
    {
        var times = TestScale.Of(2, 5);
        foreach (var leaver in Enumerable.Range(0, times).Select(i => i * hosts / times))
        {
            var keys = Fleet(hosts, leaver);
            var with = Choices(keys, fanout);
            var without = Choices([.. keys.Where((_, i) => i != leaver)], fanout, i => i < leaver ? i : i + 1);
            var moved = 0;
            foreach (var (host, after) in without)
            {
                var before = with[host];
                var isAsker = before.Contains(leaver);
                Assert.Equal(isAsker ? [leaver] : [], before.Except(after));
                Assert.Equal(isAsker ? 1 : 0, after.Except(before).Count());
                moved += isAsker ? 1 : 0;
            }

            // About fanout of them, whatever the size of the fleet.
            Assert.InRange(moved, fanout / 2, 2 * fanout);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    public void Where_there_are_no_more_than_fanout_all_are_probed(int others) =>
        Assert.Equal(Enumerable.Range(0, others), ProbeRings.Choose(1, Fleet(others, 0), 8));

    [Fact]
    public void The_order_of_the_addresses_does_not_matter()
    {
        var keys = Fleet(100, 0);
        ulong[] chosen = [.. ProbeRings.Choose(1, keys, 8).Select(i => keys[i])];
        Array.Reverse(keys);
        Assert.Equal(chosen, ProbeRings.Choose(1, keys, 8).Select(i => keys[i]));
    }

    /// <summary>Small fleets, where most hosts are next to each other on some ring.</summary>
    [Fact]
    public void Small_fleets_are_covered_too()
    {
        for (var hosts = 2; hosts <= 40; hosts++)
        {
            for (var fanout = 2; fanout < hosts; fanout++)
            {
                var askers = Askers(Choices(Fleet(hosts, 0), fanout));
                Assert.True(askers.Min() >= fanout / 2, $"{hosts} hosts, Fanout {fanout}: a host is probed by {askers.Min()}");
            }
        }
    }

    /// <summary>A host that is not among the addresses, as behind a port mapping, takes no other's place.</summary>
    [Fact]
    public void A_host_that_no_name_has_probes_as_many() =>
        Assert.Equal(8, ProbeRings.Choose(ProbeRings.KeyOf("echo-1"), Fleet(100, 0), 8).Distinct().Count());

    private static ulong[] Fleet(int hosts, int seed)
    {
        var random = new Random(seed);
        HashSet<string> names = [];
        while (names.Count < hosts)
        {
            names.Add($"10.{random.Next(256)}.{random.Next(256)}.{random.Next(256)}:5555");
        }

        return [.. names.Select(ProbeRings.KeyOf)];
    }

    /// <summary>The choices of each host, by index, in a fleet of which each host knows all others.</summary>
    private static int[][] Choices(ulong[] keys, int fanout) => [.. Choices(keys, fanout, i => i).OrderBy(pair => pair.Key).Select(pair => pair.Value)];

    private static Dictionary<int, int[]> Choices(ulong[] keys, int fanout, Func<int, int> index)
    {
        Dictionary<int, int[]> choices = [];
        for (var host = 0; host < keys.Length; host++)
        {
            ulong[] others = [.. keys.AsSpan(0, host), .. keys.AsSpan(host + 1)];
            var own = host;
            choices[index(host)] = Array.ConvertAll(ProbeRings.Choose(keys[host], others, fanout), i => index(i < own ? i : i + 1));
        }

        return choices;
    }

    /// <summary>Plain rendezvous hashing, for comparison: the peers with the highest hash of this host and the peer.</summary>
    private static int[] Rendezvous(ulong own, int host, ulong[] keys, int fanout)
    {
        var best = new PriorityQueue<int, ulong>();
        for (var i = 0; i < keys.Length; i++)
        {
            if (i != host)
            {
                var hash = (own ^ (keys[i] * 0xBF58476D1CE4E5B9)) * 0x94D049BB133111EB;
                hash = (hash ^ (hash >> 29)) * 0x9E3779B97F4A7C15;
                hash ^= hash >> 32;
                if (best.Count < fanout)
                {
                    best.Enqueue(i, hash);
                }
                else
                {
                    best.EnqueueDequeue(i, hash);
                }
            }
        }

        return [.. best.UnorderedItems.Select(item => item.Element)];
    }

    private static int[] Askers(int[][] choices)
    {
        var askers = new int[choices.Length];
        foreach (var peer in choices.SelectMany(chosen => chosen))
        {
            askers[peer]++;
        }

        return askers;
    }

    private static string Spread(List<int> askers) =>
        string.Create(CultureInfo.InvariantCulture, $"{askers.Min()} / {askers.Average():0.#} / {askers.Max()}");

    private static string Share(List<int> askers, int fanout) =>
        string.Create(CultureInfo.InvariantCulture, $"{100.0 * askers.Count(count => 2 * count < fanout) / askers.Count:0.0} %");

    private static string Documentation([CallerFilePath] string here = "")
    {
        var file = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "..", "docs", "peers.md"));
        Assert.SkipUnless(File.Exists(file), $"the documentation is not at {file}");
        return file;
    }
}
