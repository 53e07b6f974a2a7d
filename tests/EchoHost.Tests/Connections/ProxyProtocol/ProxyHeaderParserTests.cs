using System.Net;
using System.Text;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Connections.ProxyProtocol;

public class ProxyHeaderParserTests
{
    private const string Four = "192.0.2.1:56324";
    private const string FourTo = "198.51.100.2:443";

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "192.0.2.1:56324", "198.51.100.2:443")]
    [InlineData("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0", "255.255.255.255:65535")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:DB8::2 1 2\r\n", "[2001:db8::1]:1", "[2001:db8::2]:2")]
    [InlineData("PROXY TCP6 2001:db8::1 127.0.0.1 51512 37477\r\n", "[2001:db8::1]:51512", "127.0.0.1:37477")]
    [InlineData("PROXY TCP4 203.0.113.7 ::1 51512 443\r\n", "203.0.113.7:51512", "[::1]:443")]
    [InlineData("PROXY TCP6 ::ffff:192.0.2.1 :: 1 2\r\n", "[::ffff:192.0.2.1]:1", "[::]:2")]
    [InlineData("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")]
    public void Version_1_gives_two_end_points(string line, string source, string destination) =>
        AssertAddresses(ProxyHeaders.V1(line), 1, source, destination);

    [Theory]
    [InlineData("PROXY UNKNOWN\r\n")]
    [InlineData("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n")]
    [InlineData("PROXY UNKNOWN anything \x01\x02 at all\r\n")]
    public void Version_1_UNKNOWN_keeps_the_real_end_points(string line)
    {
        var parsed = Parse(ProxyHeaders.V1(line));
        Assert.Equal((ProxyParseStatus.Ok, line.Length, true, false), (parsed.Status, parsed.Length, parsed.IsLocal, parsed.HasAddresses));
    }

    [Fact]
    public void Version_1_has_at_most_107_bytes()
    {
        var longest = "PROXY UNKNOWN " + new string('x', 107 - 16) + "\r\n";
        Assert.Equal(107, longest.Length);
        Assert.Equal(ProxyParseStatus.Ok, Parse(ProxyHeaders.V1(longest)).Status);
        Assert.Equal(ProxyParseStatus.Malformed, Parse(ProxyHeaders.V1(longest.Insert(20, "x"))).Status);
        Assert.Equal(ProxyParseStatus.NeedMore, Parse(ProxyHeaders.V1(longest[..106])).Status);
        Assert.Equal(ProxyParseStatus.Malformed, Parse(ProxyHeaders.V1("PROXY UNKNOWN " + new string('x', 93))).Status);
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 1\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 \r\n")]
    [InlineData("PROXY TCP4  192.0.2.1 198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY  TCP4 192.0.2.1 198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 056324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 0443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 00 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.01 198.51.100.2 1 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.256 198.51.100.2 1 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2 198.51.100.2 1 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1.5 198.51.100.2 1 443\r\n")]
    [InlineData("PROXY TCP4 192.0..1 198.51.100.2 1 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 1 \r\n")]
    [InlineData("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n")]
    [InlineData("PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n")]
    [InlineData("PROXY TCP4 2001:db8::1 198.51.100.2 1 2\r\n")]
    [InlineData("PROXY TCP6 192.0.2.1 2001:db8::2 1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 2001:db8::1::2 1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 fe80::1%1 1 2\r\n")]
    [InlineData("PROXY TCP6 2001:db8::1 198.51.100.02 1 2\r\n")]
    [InlineData("PROXY TCP6 2001:db8::1 198.51.100 1 2\r\n")]
    [InlineData("PROXY TCP6 2001:db8::1%eth0 2001:db8::2 1 2\r\n")]
    [InlineData("PROXY TCP6 fe80::1%1 2001:db8::2 1 2\r\n")]
    [InlineData("PROXY TCP6 [2001:db8::1] [2001:db8::2] 1 2\r\n")]
    [InlineData("PROXY TCP6 2001:db8::1::2 :: 1 2\r\n")]
    [InlineData("PROXY TCP6 2001:db8:0:0:0:0:0:0:1 :: 1 2\r\n")]
    [InlineData("PROXY TCP6 20011:: :: 1 2\r\n")]
    [InlineData("PROXY TCP6 ::/64 :: 1 2\r\n")]
    [InlineData("PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n")]
    [InlineData("PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n")]
    [InlineData("PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n")]
    [InlineData("PROXY UNKNOWNX\r\n")]
    [InlineData("PROXY \r\n")]
    [InlineData("PROXY TCP4\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\rx\n")]
    [InlineData("PROXY TCP4 192.0.2.1\t198.51.100.2 1 2\r\n")]
    [InlineData("PROXY UNKNOWN bare\nline\r\n")]
    public void Version_1_is_strict(string line)
    {
        var parsed = Parse(ProxyHeaders.V1(line));
        Assert.Equal(ProxyParseStatus.Malformed, parsed.Status);
        Assert.StartsWith("version 1 ", parsed.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("proxy TCP4 ")]
    [InlineData("X")]
    [InlineData("PROXX")]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("\n")]
    [InlineData("\r\n\r\nx")]
    public void What_can_become_neither_version_is_told_at_once(string bytes) =>
        Assert.Equal(ProxyParseStatus.Missing, Parse(ProxyHeaders.V1(bytes)).Status);

    [Theory]
    [InlineData("PROXY X")]
    [InlineData("PROXY TCP4 x")]
    [InlineData("PROXY TCP6 fe80::1%")]
    [InlineData("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n")]
    public void What_can_no_longer_become_right_is_refused_before_its_end(string bytes) =>
        Assert.Equal(ProxyParseStatus.Malformed, Parse(ProxyHeaders.V1(bytes)).Status);

    [Theory]
    [InlineData(Four, FourTo)]
    [InlineData("[2001:db8::1]:0", "[2001:db8::2]:65535")]
    public void Version_2_gives_two_end_points(string source, string destination)
    {
        AssertAddresses(ProxyHeaders.V2(source, destination), 2, source, destination);
        var datagram = ProxyHeaders.V2(source, destination);
        datagram[13]++;
        AssertAddresses(datagram, 2, source, destination);
    }

    /// <summary>Every family byte, with both commands: what is defined is taken, what is not is refused.</summary>
    [Fact]
    public void Every_family_and_transport_is_either_defined_or_refused()
    {
        var block = new byte[216];
        for (var value = 0; value <= byte.MaxValue; value++)
        {
            var isDefined = value >> 4 <= 3 && (value & 0x0F) <= 2;
            var proxy = Parse(ProxyHeaders.V2(ProxyHeaders.Proxy, (byte)value, block));
            Assert.Equal(isDefined ? ProxyParseStatus.Ok : ProxyParseStatus.Malformed, proxy.Status);
            Assert.Equal(value is 0x11 or 0x12 or 0x21 or 0x22, proxy.HasAddresses);
            var local = Parse(ProxyHeaders.V2(ProxyHeaders.Local, (byte)value, block));
            Assert.Equal((ProxyParseStatus.Ok, 16 + block.Length, true, false), (local.Status, local.Length, local.IsLocal, local.HasAddresses));
        }
    }

    [Fact]
    public void Every_version_and_command_but_two_is_refused()
    {
        for (var value = 0; value <= byte.MaxValue; value++)
        {
            var status = Parse(ProxyHeaders.V2((byte)value, 0x11, new byte[12])).Status;
            Assert.Equal(value is 0x20 or 0x21 ? ProxyParseStatus.Ok : ProxyParseStatus.Malformed, status);
        }
    }

    [Theory]
    [InlineData(0x11, 11)]
    [InlineData(0x21, 35)]
    [InlineData(0x31, 215)]
    public void A_length_shorter_than_the_addresses_is_refused(byte family, int length) =>
        Assert.Equal(ProxyParseStatus.Malformed, Parse(ProxyHeaders.V2(ProxyHeaders.Proxy, family, new byte[length])).Status);

    [Theory]
    [InlineData(ProxyHeaders.Proxy)]
    [InlineData(ProxyHeaders.Local)]
    public void The_length_has_a_cap(byte command)
    {
        Assert.Equal(ProxyParseStatus.Ok, Parse(ProxyHeaders.V2(command, 0x00, new byte[4096])).Status);
        // Refused as soon as the length is known, not when so much has come.
        var parsed = Parse(ProxyHeaders.V2(command, 0x00, new byte[4097])[..16]);
        Assert.Equal(ProxyParseStatus.Malformed, parsed.Status);
        Assert.Equal("version 2 announces 4097 bytes; at most 4096 are taken", parsed.Problem);
    }

    [Fact]
    public void LOCAL_is_passed_over_whatever_it_holds()
    {
        var random = new byte[300];
        new Random(3).NextBytes(random);
        var parsed = Parse(ProxyHeaders.V2(ProxyHeaders.Local, 0xFF, random));
        Assert.Equal((ProxyParseStatus.Ok, 316, true), (parsed.Status, parsed.Length, parsed.IsLocal));
    }

    [Fact]
    public void Values_are_read_and_shown_without_anything_that_could_mislead()
    {
        byte[] ssl =
        [
            0x03, 0, 0, 0, 0,
            .. ProxyHeaders.Tlv(0x21, "TLSv1.3"u8.ToArray()),
            .. ProxyHeaders.Tlv(0x23, "TLS_AES_256_GCM_SHA384"u8.ToArray()),
            .. ProxyHeaders.Tlv(0x22, "client\r\n"u8.ToArray()),
        ];
        var header = ProxyHeaders.WithChecksum(ProxyHeaders.V2(
            Four,
            FourTo,
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
        Assert.Equal(
            new ProxyDescription(2, @"example.com\x1b[31m", "h2", "deadbeef", new ProxyTlsDescription("TLSv1.3", "TLS_AES_256_GCM_SHA384", true, true, @"client\r\n"), "vpce-0123456789abcdef0", 0x12345678),
            ProxyDescription.From(parsed));
    }

    [Theory]
    [InlineData("C633640:A74_6B02E8D3_0000", "C633640:A74_6B02E8D3_0000")]
    [InlineData("two words~", "two words~")]
    [InlineData("line\n", "6c696e650a")]
    [InlineData("\u007f", "7f")]
    public void A_unique_id_is_text_where_all_of_it_can_be_printed(string id, string shown)
    {
        Assert.Equal(ProxyParseStatus.Ok, ProxyHeaderParser.Parse(ProxyHeaders.V2(Four, FourTo, ProxyHeaders.Tlv(0x05, System.Text.Encoding.ASCII.GetBytes(id))), out var header, out _));
        Assert.Equal(shown, ProxyDescription.From(header).UniqueId);
    }

    [Fact]
    public void A_certificate_that_was_not_verified_is_not_shown_as_verified()
    {
        Assert.Equal(ProxyParseStatus.Ok, ProxyHeaderParser.Parse(ProxyHeaders.V2(Four, FourTo, ProxyHeaders.Tlv(0x20, 0x03, 0, 0, 0, 1)), out var unverified, out _));
        Assert.Equal(new ProxyTlsDescription(null, null, true, false, null), ProxyDescription.From(unverified).Tls);
        Assert.Equal(ProxyParseStatus.Ok, ProxyHeaderParser.Parse(ProxyHeaders.V2(Four, FourTo, ProxyHeaders.Tlv(0x20, 0x01, 0, 0, 0, 0)), out var none, out _));
        Assert.Equal(new ProxyTlsDescription(null, null, false, false, null), ProxyDescription.From(none).Tls);
        Assert.Equal(ProxyParseStatus.Ok, ProxyHeaderParser.Parse(ProxyHeaders.V2(Four, FourTo, ProxyHeaders.Tlv(0x20, 0x00, 0, 0, 0, 0)), out var plain, out _));
        Assert.Null(ProxyDescription.From(plain).Tls);
    }

    public static TheoryData<byte[]> WrongValues => new(
        [0x04],
        [0x04, 0],
        [0x04, 0, 1],
        [0x04, 0xFF, 0xFF, 0],
        [.. ProxyHeaders.Tlv(0x04), 0x04],
        ProxyHeaders.Tlv(0x03, 1, 2, 3),
        ProxyHeaders.Tlv(0x03, 1, 2, 3, 4, 5),
        ProxyHeaders.Tlv(0x05, new byte[129]),
        ProxyHeaders.Tlv(0x20, 0, 0, 0, 0),
        ProxyHeaders.Tlv(0x20, 1, 0, 0, 0, 0, 0x21),
        ProxyHeaders.Tlv(0x20, 1, 0, 0, 0, 0, 0x21, 0, 2, (byte)'x'));

    [Theory]
    [MemberData(nameof(WrongValues))]
    public void Values_that_break_their_bounds_are_refused(byte[] tlvs)
    {
        var parsed = Parse(ProxyHeaders.V2(Four, FourTo, tlvs));
        Assert.Equal(ProxyParseStatus.Malformed, parsed.Status);
        Assert.StartsWith("version 2 has ", parsed.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checksum_is_verified_wherever_it_stands()
    {
        // RFC 3720, B.4: the CRC32C of 32 zeros. So the reference is right, and the parser is held against it.
        Assert.Equal(0x8A9136AAu, ProxyHeaders.Reference(new byte[32]));
        var right = ProxyHeaders.WithChecksum(ProxyHeaders.V2(Four, FourTo, ProxyHeaders.Tlv(0x02, "a.example"u8.ToArray()), ProxyHeaders.Crc()));
        Assert.Equal(ProxyParseStatus.Ok, Parse(right).Status);
        // Where the checksum's own type stands: another type there, and it is none.
        var type = right.Length - 7;
        for (var at = 16; at < right.Length; at += at + 1 == type ? 2 : 1)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                right[at] ^= (byte)(1 << bit);
                Assert.NotEqual(ProxyParseStatus.Ok, Parse(right).Status);
                right[at] ^= (byte)(1 << bit);
            }
        }

        right[^1]++;
        Assert.Equal(ProxyParseStatus.ChecksumMismatch, Parse(right).Status);
        Assert.Equal(ProxyParseStatus.Malformed, Parse(ProxyHeaders.V2(Four, FourTo, ProxyHeaders.Crc(), ProxyHeaders.Crc())).Status);
    }

    /// <summary>A header cut anywhere waits for the rest, whole it is taken, and what follows it is not looked at.</summary>
    [Fact]
    public void Fragments_wait_and_payload_is_left_alone()
    {
        byte[][] headers =
        [
            ProxyHeaders.V1("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"),
            ProxyHeaders.V1("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"),
            ProxyHeaders.V1("PROXY UNKNOWN\r\n"),
            ProxyHeaders.V2(Four, FourTo),
            ProxyHeaders.V2("[2001:db8::1]:1", "[2001:db8::2]:2", ProxyHeaders.Tlv(0x02, "a.example"u8.ToArray())),
            ProxyHeaders.V2(ProxyHeaders.Local, 0x00),
            ProxyHeaders.V2(ProxyHeaders.Proxy, 0x31, new byte[216]),
            ProxyHeaders.WithChecksum(ProxyHeaders.V2(Four, FourTo, ProxyHeaders.Crc())),
        ];
        foreach (var header in headers)
        {
            for (var length = 0; length < header.Length; length++)
            {
                Assert.Equal(ProxyParseStatus.NeedMore, Parse(header[..length]).Status);
            }

            foreach (var payload in new[] { "", "x", "PROXY UNKNOWN\r\n", "\r\n\r\n\0\r\nQUIT\n" })
            {
                var parsed = Parse([.. header, .. Encoding.ASCII.GetBytes(payload)]);
                Assert.Equal((ProxyParseStatus.Ok, header.Length), (parsed.Status, parsed.Length));
            }
        }
    }

    private static void AssertAddresses(byte[] bytes, int version, string source, string destination)
    {
        Assert.Equal(ProxyParseStatus.Ok, ProxyHeaderParser.Parse(bytes, out var header, out var problem));
        Assert.Null(problem);
        Assert.Equal((version, bytes.Length, true, false), (header.Version, header.Length, header.HasAddresses, header.IsLocal));
        Assert.Equal(IPEndPoint.Parse(source), header.Source.ToEndPoint());
        Assert.Equal(IPEndPoint.Parse(destination), header.Destination.ToEndPoint());
    }

    private static (ProxyParseStatus Status, int Length, bool IsLocal, bool HasAddresses, string? Problem) Parse(byte[] bytes)
    {
        var status = ProxyHeaderParser.Parse(bytes, out var header, out var problem);
        return (status, header.Length, header.IsLocal, header.HasAddresses, problem);
    }
}
