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
    /// sequence repeats.
    /// </summary>
    [Fact]
    public void Neighbours_differ_in_what_follows_too()
    {
        var payload = new LoadPayload(64);
        var message = Message(payload, (5, 100));
        Assert.False(payload.Matches(message.AsSpan(8), (5, 99), 8));
        Assert.False(payload.Matches(message.AsSpan(8), (5, 101), 8));
        Assert.False(payload.Matches(message.AsSpan(8), (4, 100), 8));
        Assert.False(payload.Matches(message.AsSpan(8), (6, 100), 8));
        Assert.False(payload.Matches(message.AsSpan(0, 8), (5, 100 + 4093), 0));
        Assert.False(payload.Matches(message.AsSpan(0, 8), (6, 99), 0));
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
