using System.Buffers;
using System.Text;
using EchoHost.Tests.Infrastructure;
using EchoHost.Text;

namespace EchoHost.Tests.Text;

public class MessageTextTests
{
    [Theory]
    [InlineData("Hello, opencode.space!\r\n", @"Hello, opencode.space!\r\n")]
    [InlineData("tab\there", @"tab\there")]
    [InlineData("\0\u0001\u001b[31m\u007f", @"\x00\x01\x1b[31m\x7f")]
    [InlineData("say \"hi\" \\o/", @"say \""hi\"" \\o/")]
    [InlineData("Grüße, 世界 🌍", "Grüße, 世界 🌍")]
    [InlineData("next\u0085line\u2028separator\u2029paragraph", @"next\u0085line\u2028separator\u2029paragraph")]
    [InlineData("right\u202eto left", @"right\u202eto left")]
    [InlineData("tag\U000E0041", @"tag\U000e0041")]
    [InlineData("", "")]
    public void Text_is_shown_and_what_could_mislead_is_escaped(string message, string shown) =>
        Assert.Equal(shown, Escape(Encoding.UTF8.GetBytes(message)));

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_escaped_one_by_one() =>
        Assert.Equal(@"a\xff\xfeb\xc3(\xe2\x82", Escape([(byte)'a', 0xff, 0xfe, (byte)'b', 0xc3, (byte)'(', 0xe2, 0x82]));

    [Fact]
    public void No_message_can_make_more_than_one_line()
    {
        var random = new Random(1);
        var message = new byte[300];
        for (var i = 0; i < 1000; i++)
        {
            random.NextBytes(message);
            Assert.DoesNotContain(Escape(message), c => char.IsControl(c) || c is '\u2028' or '\u2029');
        }
    }

    [Theory]
    [InlineData(256, "")]
    [InlineData(257, "… (+1 bytes)")]
    [InlineData(1256, "… (+1000 bytes)")]
    public void Past_256_bytes_the_rest_is_counted(int length, string end) =>
        Assert.Equal(new string('x', 256) + end, Escape(Encoding.ASCII.GetBytes(new string('x', length))));

    [Fact]
    public void The_cut_tears_no_character() =>
        Assert.Equal(new string('x', 254) + "… (+5 bytes)", Escape(Encoding.UTF8.GetBytes(new string('x', 254) + "€uv")));

    [Fact]
    public void A_message_in_pieces_reads_as_one()
    {
        var bytes = Encoding.UTF8.GetBytes("split 世界 here");
        for (var at = 1; at < bytes.Length; at++)
        {
            Assert.Equal("split 世界 here", MessageText.Escape(Sequences.Split(bytes, at)));
        }
    }

    private static string Escape(byte[] message) => MessageText.Escape(new ReadOnlySequence<byte>(message));
}
