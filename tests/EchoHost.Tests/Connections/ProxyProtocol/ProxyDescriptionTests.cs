using System.Text;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Tests.Infrastructure;
using Kestrel.ProxyProtocol;

namespace EchoHost.Tests.Connections.ProxyProtocol;

/// <summary>The values of a header that <c>/connections</c> shows.</summary>
public class ProxyDescriptionTests
{
    [Fact]
    public void A_header_is_shown_without_anything_that_could_mislead()
    {
        byte[] ssl =
        [
            0x03, 0, 0, 0, 0,
            .. ProxyHeaders.Tlv(0x21, "TLSv1.3"u8.ToArray()),
            .. ProxyHeaders.Tlv(0x23, "TLS_AES_256_GCM_SHA384"u8.ToArray()),
            .. ProxyHeaders.Tlv(0x22, "client\r\n"u8.ToArray()),
        ];
        var header = ProxyHeaders.WithChecksum(ProxyHeaders.V2(
            "192.0.2.1:56324",
            "198.51.100.2:443",
            ProxyHeaders.Tlv(0x02, "example.com\u001b[31m"u8.ToArray()),
            ProxyHeaders.Tlv(0x01, "h2"u8.ToArray()),
            ProxyHeaders.Tlv(0x04, 0, 0, 0),
            ProxyHeaders.Tlv(0x05, 0xDE, 0xAD, 0xBE, 0xEF),
            ProxyHeaders.Tlv(0xE0, 1, 2, 3),
            ProxyHeaders.Tlv(0x20, ssl),
            ProxyHeaders.Tlv(0xEA, [1, .. "vpce-0123456789abcdef0"u8]),
            ProxyHeaders.Tlv(0xEE, 1, 0x78, 0x56, 0x34, 0x12),
            ProxyHeaders.Crc()));
        Assert.Equal(ProxyParseStatus.Ok, ProxyHeaderParser.Parse(header, out var parsed, out _));
        var tls = new ProxyTlsDescription("TLSv1.3", "TLS_AES_256_GCM_SHA384", true, true, @"client\r\n");
        Assert.Equal(
            new ProxyDescription(2, @"example.com\x1b[31m", "h2", "deadbeef", tls, "vpce-0123456789abcdef0", 0x12345678),
            ProxyDescription.From(parsed.Version, parsed.Tlvs));
    }

    [Theory]
    [InlineData("C633640:A74_6B02E8D3_0000", "C633640:A74_6B02E8D3_0000")]
    [InlineData("two words~", "two words~")]
    [InlineData("line\n", "6c696e650a")]
    [InlineData("\u007f", "7f")]
    public void A_unique_id_is_text_where_all_of_it_can_be_printed(string id, string shown) =>
        Assert.Equal(shown, ProxyDescription.From(2, ProxyHeaders.Tlv(0x05, Encoding.ASCII.GetBytes(id))).UniqueId);

    [Fact]
    public void A_certificate_that_was_not_verified_is_not_shown_as_verified()
    {
        Assert.Equal(new ProxyTlsDescription(null, null, true, false, null), ProxyDescription.From(2, ProxyHeaders.Tlv(0x20, 0x03, 0, 0, 0, 1)).Tls);
        Assert.Equal(new ProxyTlsDescription(null, null, false, false, null), ProxyDescription.From(2, ProxyHeaders.Tlv(0x20, 0x01, 0, 0, 0, 0)).Tls);
        Assert.Null(ProxyDescription.From(2, ProxyHeaders.Tlv(0x20, 0x00, 0, 0, 0, 0)).Tls);
    }

    /// <summary>Shown values are one line of text.</summary>
    [Fact]
    public void Nothing_that_the_parser_takes_is_shown_with_a_control_character()
    {
        for (var seed = 0; seed < TestScale.Of(10_000, 300_000); seed++)
        {
            if (ProxyHeaderParser.Parse(MutatedHeaders.Make(new Random(seed)), out var header, out _) == ProxyParseStatus.Ok)
            {
                Assert.DoesNotContain(ProxyDescription.From(header.Version, header.Tlvs).ToString(), char.IsControl);
            }
        }
    }
}
