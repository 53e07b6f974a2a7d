using EchoHost.Peers;

namespace EchoHost.Tests.Peers;

public class TlsFaultsTests
{
    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData("220 mail.example\r\n")]
    [InlineData("\u0016no")]
    [InlineData("x")]
    public void What_is_no_record_of_TLS_is_told_as_such(string first) =>
        Assert.Equal("the peer does not speak TLS", TlsFaults.Of(new IOException(), System.Text.Encoding.Latin1.GetBytes(first)));

    /// <summary>An echo sends the ClientHello back, which is a TLS record, but not one that a server starts with.</summary>
    [Fact]
    public void An_echo_of_the_handshake_is_told_as_such() =>
        Assert.Equal("the peer does not speak TLS: it sends back what it gets", TlsFaults.Of(new IOException(), [22, 3, 1, 1, 50, 1, 0]));

    [Theory]
    [InlineData(40, "the peer refuses the handshake: no common parameters, or no client certificate (TLS alert 40)")]
    [InlineData(48, "the peer refuses the client certificate: its authority is unknown (TLS alert 48)")]
    [InlineData(70, "the peer refuses the handshake: no common version of TLS (TLS alert 70)")]
    [InlineData(116, "the peer wants a client certificate (TLS alert 116)")]
    [InlineData(200, "the peer refuses the handshake (TLS alert 200)")]
    public void An_alert_is_told_in_words(byte alert, string text) => Assert.Equal(text, TlsFaults.Of(new IOException(), [21, 3, 3, 0, 2, 2, alert]));

    [Theory]
    [InlineData]
    [InlineData(22)]
    [InlineData(22, 3, 3, 0, 100, 2, 0)]
    [InlineData(21, 3, 3, 0, 32, 9, 40)]
    public void Anything_else_says_nothing(params int[] first) =>
        Assert.Null(TlsFaults.Of(new IOException("The remote end is gone."), [.. first.Select(b => (byte)b)]));
}
