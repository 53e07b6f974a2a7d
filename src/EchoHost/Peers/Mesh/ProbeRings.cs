using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EchoHost.Peers.Mesh;

/// <summary>
/// Chooses the peers that a host probes when it does not probe all of them, so that each peer is probed by about as many
/// hosts. On each of several rings every member of the fleet has a place, and a host probes the member that comes after it.
/// Hosts agree on the places without talking to each other, so a ring gives each member one host that probes it.
/// When a member leaves, only the hosts that probed it choose another one; when one joins, only those that now probe it.
/// </summary>
/// <remarks>Every host of a fleet must compute the same places: a change here is a change of the protocol between versions.</remarks>
internal static class ProbeRings
{
    /// <summary>The distance between the keys of one member on successive rings: that of SplitMix64.</summary>
    private const ulong Step = 0x9E3779B97F4A7C15;

    /// <summary>The key of a member: the first eight bytes of SHA-256 of its name in UTF-8, as a big-endian number.</summary>
    public static ulong KeyOf(string name) => BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name)));

    /// <summary>Chooses a member on each ring: the next after this host that is not chosen yet.</summary>
    /// <param name="own">The key of this host.</param>
    /// <param name="others">The keys of the other members, in any order.</param>
    /// <param name="count">How many to choose: the number of rings.</param>
    /// <returns>The indexes of the chosen members, in the order of the rings; all of them if there are no more than <paramref name="count"/>.</returns>
    public static int[] Choose(ulong own, ReadOnlySpan<ulong> others, int count)
    {
        var chosen = new int[Math.Min(count, others.Length)];
        if (chosen.Length == others.Length)
        {
            for (var i = 0; i < chosen.Length; i++)
            {
                chosen[i] = i;
            }

            return chosen;
        }

        var isChosen = new bool[others.Length];
        for (var ring = 0; ring < chosen.Length; ring++)
        {
            var next = Next(ring, own, others, isChosen);
            chosen[ring] = next;
            isChosen[next] = true;
        }

        return chosen;
    }

    private static int Next(int ring, ulong own, ReadOnlySpan<ulong> others, ReadOnlySpan<bool> isChosen)
    {
        var start = PlaceOn(ring, own);
        var (next, least) = (-1, ulong.MaxValue);
        for (var i = 0; i < others.Length; i++)
        {
            // Past the end of the ring the difference wraps around, as the ring does.
            var distance = unchecked(PlaceOn(ring, others[i]) - start);
            if (!isChosen[i] && (next < 0 || distance < least))
            {
                (next, least) = (i, distance);
            }
        }

        return next;
    }

    /// <summary>A member's place on a ring, from 0 to 2^64 - 1: the mixing function of SplitMix64, which gives no two keys the same.</summary>
    private static ulong PlaceOn(int ring, ulong key)
    {
        unchecked
        {
            var place = key + ((ulong)(ring + 1) * Step);
            place = (place ^ (place >> 30)) * 0xBF58476D1CE4E5B9;
            place = (place ^ (place >> 27)) * 0x94D049BB133111EB;
            return place ^ (place >> 31);
        }
    }
}
