using EchoHost.Peers.Load;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers.Load;

public class LoadPayloadTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(64)]
    public void A_message_is_the_same_however_it_is_split(int size)
    {
        var payload = new LoadPayload(size);
        foreach (var message in new[] { (0, 0L), (3, 4092L), (99_999, 5_000_000_000L) })
        {
            var whole = Message(payload, message);
            for (var first = 0; first <= size; first++)
            {
                for (var second = first; second <= size; second++)
                {
                    var parts = new byte[size];
                    payload.Fill(parts.AsSpan(0, first), message, 0);
                    payload.Fill(parts.AsSpan(first, second - first), message, first);
                    payload.Fill(parts.AsSpan(second), message, second);
                    Bytes.AssertSame(whole, parts);
                    Assert.True(payload.Matches(whole.AsSpan(0, first), message, 0));
                    Assert.True(payload.Matches(whole.AsSpan(first, second - first), message, first));
                    Assert.True(payload.Matches(whole.AsSpan(second), message, second));
                }
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(64)]
    public void A_single_flipped_bit_is_seen_wherever_it_is(int size)
    {
        var payload = new LoadPayload(size);
        var whole = Message(payload, (2, 17));
        for (var bit = 0; bit < size * 8; bit++)
        {
            whole[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(payload.Matches(whole, (2, 17), 0));
            // In either part, wherever it is split.
            for (var split = 0; split <= size; split++)
            {
                Assert.False(payload.Matches(whole.AsSpan(0, split), (2, 17), 0) && payload.Matches(whole.AsSpan(split), (2, 17), split));
            }

            whole[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void No_two_messages_are_alike()
    {
        var payload = new LoadPayload(8);
        var messages =
            from connection in Enumerable.Range(0, 100)
            from number in Enumerable.Range(0, 200)
            select Convert.ToHexString(Message(payload, (connection, number)));
        Assert.Equal(100 * 200, messages.Distinct().Count());
    }

    /// <summary>
    /// Messages differ beyond the eight bytes that identify them too, except from a message so many numbers away that the
    /// random bytes repeat; not even a size that is a multiple of their period makes neighbours alike.
    /// </summary>
    [Theory]
    [InlineData(64)]
    [InlineData(4093)]
    [InlineData(4 * 4093)]
    [InlineData(16_384)]
    [InlineData(1024 * 1024)]
    public void Neighbours_differ_in_what_follows_too(int size)
    {
        var payload = new LoadPayload(size);
        var message = Message(payload, (5, 100));
        for (var offset = 8; offset < size; offset += 4096)
        {
            var part = message.AsSpan(offset, Math.Min(size - offset, 56));
            Assert.True(payload.Matches(part, (5, 100), offset));
            Assert.False(payload.Matches(part, (5, 99), offset));
            Assert.False(payload.Matches(part, (5, 101), offset));
            Assert.False(payload.Matches(part, (4, 100), offset));
            Assert.False(payload.Matches(part, (6, 100), offset));
        }

        Assert.False(payload.Matches(message.AsSpan(0, 8), (5, 100 + 4093), 0));
        Assert.False(payload.Matches(message.AsSpan(0, 8), (6, 99), 0));
    }

    /// <summary>What a peer does that reuses a buffer too early: one part of a message is that of another, or from elsewhere.</summary>
    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(16_384)]
    public void A_part_in_the_wrong_place_is_seen(int part)
    {
        const int size = 64 * 1024;
        var payload = new LoadPayload(size);
        var whole = Message(payload, (5, 100));
        byte[][] others = [whole, Message(payload, (5, 99)), Message(payload, (5, 96)), Message(payload, (4, 100)), Message(payload, (6, 101))];
        foreach (var other in others)
        {
            for (var from = 0; from < size; from += part)
            {
                for (var to = 0; to < size; to += part)
                {
                    var isSame = other == whole && from == to;
                    Assert.Equal(isSame, payload.Matches(other.AsSpan(from, part), (5, 100), to));
                }
            }
        }

        // A byte too few or too many before it.
        Assert.False(payload.Matches(whole.AsSpan(part + 1, part), (5, 100), part));
        Assert.False(payload.Matches(whole.AsSpan(part - 1, part), (5, 100), part));
    }

    [Fact]
    public void Another_tests_messages_are_others()
    {
        var message = Message(new LoadPayload(64), (0, 0));
        Assert.False(new LoadPayload(64).Matches(message, (0, 0), 0));
    }

    private static byte[] Message(LoadPayload payload, (int Connection, long Number) message)
    {
        var bytes = new byte[payload.Size];
        payload.Fill(bytes, message, 0);
        return bytes;
    }
}
