using EchoHost.Peers;

namespace EchoHost.Tests.Peers;

public class UniquePayloadTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(64)]
    [InlineData(100_000)]
    public void A_payload_has_the_length_that_was_asked_for(int length)
    {
        Assert.Equal(length, UniquePayload.Bytes(length).Length);
        Assert.Equal(length, UniquePayload.Text(length).Length);
    }

    [Theory]
    [InlineData(UniquePayload.MinBytes)]
    [InlineData(64)]
    public void No_two_are_alike_whoever_asks(int length)
    {
        const int each = 5_000;
        var made = new string[4 * each];
        Parallel.For(0, 4, worker =>
        {
            for (var i = 0; i < each; i++)
            {
                made[(worker * each) + i] = Convert.ToHexString(i % 2 == 0 ? UniquePayload.Bytes(length) : UniquePayload.Text(length));
            }
        });
        Assert.Equal(made.Length, made.Distinct().Count());
    }

    [Fact]
    public void Texts_are_letters_and_digits() =>
        Assert.All(UniquePayload.Text(10_000), b => Assert.True(char.IsAsciiLetterLower((char)b) || char.IsAsciiDigit((char)b), $"{b}"));

    [Fact]
    public void Bytes_are_any_bytes_at_all() => Assert.Equal(256, UniquePayload.Bytes(100_000).Distinct().Count());
}
