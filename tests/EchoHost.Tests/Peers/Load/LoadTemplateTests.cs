using EchoHost.Peers.Load;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers.Load;

public class LoadTemplateTests
{
    /// <summary>One template makes many parts, one after another. Each must have its own unique bytes and no earlier ones.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(64)]
    [InlineData(4093)]
    [InlineData(16_384)]
    [InlineData(100_000)]
    public void Every_part_is_that_of_the_stream(int size)
    {
        var random = new Random(size);
        var payload = new LoadPayload(size);
        for (var i = 0; i < 200; i++)
        {
            var (connection, number, offset) = (random.Next(100_000), random.NextInt64(5_000_000_000), random.Next(size));
            var length = i == 0 ? LoadPayload.MaxPart : random.Next(1, i % 2 == 0 ? LoadPayload.MaxPart : 200);
            var template = LoadTemplate.Rent(payload);
            Bytes.AssertSame(Stream(payload, (connection, number), offset, length), template.Make((connection, number), offset, length).ToArray());
            template.Return();
        }
    }

    /// <summary>A part that the kernel has not taken yet must not change when another connection sends.</summary>
    [Fact]
    public void A_part_lasts_until_its_template_is_returned()
    {
        var payload = new LoadPayload(64);
        LoadTemplate.Rent(payload).Return();
        var first = LoadTemplate.Rent(payload);
        var part = first.Make((0, 0), 0, 640);
        var second = LoadTemplate.Rent(payload);
        second.Make((1, 7), 0, 640);
        Bytes.AssertSame(Stream(payload, (0, 0), 0, 640), part.ToArray());
        second.Return();
        first.Return();
        LoadTemplate[] rented = [LoadTemplate.Rent(payload), LoadTemplate.Rent(payload), LoadTemplate.Rent(payload)];
        Assert.Equal(3, rented.Distinct().Count());
        // Both are used again.
        Assert.Contains(first, rented);
        Assert.Contains(second, rented);
    }

    [Fact]
    public void Another_tests_template_is_not_used()
    {
        LoadTemplate.Rent(new LoadPayload(64)).Return();
        var payload = new LoadPayload(64);
        Bytes.AssertSame(Stream(payload, (0, 0), 0, 64), LoadTemplate.Rent(payload).Make((0, 0), 0, 64).ToArray());
    }

    private static byte[] Stream(LoadPayload payload, (int Connection, long Number) first, int offset, int length)
    {
        var bytes = new byte[length];
        for (int done = 0, count; done < length; done += count, offset = 0, first.Number++)
        {
            count = Math.Min(payload.Size - offset, length - done);
            payload.Fill(bytes.AsSpan(done, count), first, offset);
        }

        return bytes;
    }
}
