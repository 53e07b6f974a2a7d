using System.Net;
using System.Net.Sockets;
using System.Text;
using EchoHost.Tests.Infrastructure;

namespace Kestrel.ProxyProtocol.Tests;

public class ProxyHeaderParserTests
{
    private const string Four = "192.0.2.1:56324";
    private const string FourTo = "198.51.100.2:443";
    private const string LongestIPv6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

    private static readonly AddressFamily[] Families =
        [AddressFamily.Unspecified, AddressFamily.InterNetwork, AddressFamily.InterNetworkV6, AddressFamily.Unix];

    private static readonly SocketType[] SocketTypes = [SocketType.Unknown, SocketType.Stream, SocketType.Dgram];

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "192.0.2.1:56324", "198.51.100.2:443")]
    [InlineData("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0", "255.255.255.255:65535")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:DB8::2 1 2\r\n", "[2001:db8::1]:1", "[2001:db8::2]:2")]
    [InlineData("PROXY TCP6 2001:db8::1 127.0.0.1 51512 37477\r\n", "[2001:db8::1]:51512", "127.0.0.1:37477")]
    [InlineData("PROXY TCP4 203.0.113.7 ::1 51512 443\r\n", "203.0.113.7:51512", "[::1]:443")]
    [InlineData("PROXY TCP6 ::ffff:192.0.2.1 :: 1 2\r\n", "[::ffff:192.0.2.1]:1", "[::]:2")]
    [InlineData($"PROXY TCP6 {LongestIPv6} {LongestIPv6} 65535 65535\r\n", $"[{LongestIPv6}]:65535", $"[{LongestIPv6}]:65535")]
    public void Version_1_gives_two_end_points(string line, string source, string destination) =>
        AssertAddresses(ProxyHeaders.V1(line), 1, source, destination);

    [Theory]
    [InlineData("PROXY UNKNOWN\r\n")]
    [InlineData("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n")]
    [InlineData("PROXY UNKNOWN anything \x01\x02 at all\r\n")]
    public void Version_1_UNKNOWN_keeps_the_real_end_points(string line)
    {
        var parsed = Parse(ProxyHeaders.V1(line));
        Assert.Equal(new Parsed(ProxyParseStatus.Ok, line.Length, ProxyCommand.Proxy, AddressFamily.Unspecified, SocketType.Unknown, false, null), parsed);
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

    /// <summary>Every family byte, with both commands: defined ones are accepted, others rejected.</summary>
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
            if (isDefined)
            {
                Assert.Equal((ProxyCommand.Proxy, Families[value >> 4], SocketTypes[value & 0x0F]), (proxy.Command, proxy.Family, proxy.SocketType));
            }

            var local = Parse(ProxyHeaders.V2(ProxyHeaders.Local, (byte)value, block));
            Assert.Equal(Local(16 + block.Length), local);
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
        // Rejected as soon as the length is known, before the payload has come.
        var parsed = Parse(ProxyHeaders.V2(command, 0x00, new byte[4097])[..16]);
        Assert.Equal(ProxyParseStatus.Malformed, parsed.Status);
        Assert.Equal("version 2 announces 4097 bytes; at most 4096 are taken", parsed.Problem);
    }

    [Fact]
    public void LOCAL_is_passed_over_whatever_it_holds()
    {
        var random = new byte[300];
        new Random(3).NextBytes(random);
        Assert.Equal(Local(316), Parse(ProxyHeaders.V2(ProxyHeaders.Local, 0xFF, random)));
    }

    [Fact]
    public void Values_are_read_in_their_order_as_they_were_sent()
    {
        var ssl = ProxyHeaders.Tlv(0x20, [0x03, 0, 0, 0, 0, .. ProxyHeaders.Tlv(0x21, "TLSv1.3"u8.ToArray()), .. ProxyHeaders.Tlv(0x22)]);
        var authority = ProxyHeaders.Tlv(0x02, "a.example\n"u8.ToArray());
        var header = ProxyHeaders.V2(Four, FourTo, authority, ProxyHeaders.Tlv(0x04, 0, 0), ssl, ProxyHeaders.Tlv(0xE0));
        Assert.Equal(ProxyParseStatus.Ok, ProxyHeaderParser.Parse(header, out var parsed, out _));
        Assert.Equal([(0x02, "a.example\n"), (0x04, "\0\0"), (0x20, Encoding.Latin1.GetString(ssl[3..])), (0xE0, "")], Values(parsed.Tlvs));
        var tls = new ProxySslValue(ssl.AsSpan(3));
        Assert.True(tls.IsTls && tls.HasClientCertificate && tls.IsClientCertificateVerified);
        Assert.Equal([(ProxyTlvType.SslVersion, "TLSv1.3"), (ProxyTlvType.SslCommonName, "")], Values(tls.Tlvs));
    }

    [Theory]
    [InlineData(0x00, 0, false, false, false)]
    [InlineData(0x01, 0, true, false, false)]
    [InlineData(0x03, 0, true, true, true)]
    [InlineData(0x05, 0, true, true, true)]
    [InlineData(0x03, 1, true, true, false)]
    public void An_SSL_value_tells_a_certificate_from_a_verified_one(byte client, byte verify, bool isTls, bool hasCertificate, bool isVerified)
    {
        var ssl = new ProxySslValue([client, 0, 0, 0, verify]);
        Assert.Equal((isTls, hasCertificate, isVerified), (ssl.IsTls, ssl.HasClientCertificate, ssl.IsClientCertificateVerified));
        Assert.Throws<ArgumentException>(() => new ProxySslValue([client, 0, 0, 0]).IsTls);
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

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 1)]
    [InlineData(2, 0)]
    public void A_checksum_is_verified_wherever_it_stands(int valuesBefore, int valuesAfter)
    {
        // RFC 3720, B.4: the CRC32C of 32 zeros. This proves the reference, which then proves the parser.
        Assert.Equal(0x8A9136AAu, ProxyHeaders.Reference(new byte[32]));
        var value = ProxyHeaders.Tlv(0x02, "a.example"u8.ToArray());
        var after = valuesAfter * value.Length;
        var right = ProxyHeaders.WithChecksum(
            ProxyHeaders.V2(Four, FourTo, [.. Enumerable.Repeat(value, valuesBefore), ProxyHeaders.Crc(), .. Enumerable.Repeat(value, valuesAfter)]),
            after);
        Assert.Equal(ProxyParseStatus.Ok, Parse(right).Status);
        // Skip the type of the checksum's value: with another type there is no checksum.
        var type = right.Length - after - 7;
        for (var at = 16; at < right.Length; at += at + 1 == type ? 2 : 1)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                right[at] ^= (byte)(1 << bit);
                Assert.NotEqual(ProxyParseStatus.Ok, Parse(right).Status);
                right[at] ^= (byte)(1 << bit);
            }
        }

        right[type + 3]++;
        Assert.Equal(ProxyParseStatus.ChecksumMismatch, Parse(right).Status);
        Assert.Equal(ProxyParseStatus.Malformed, Parse(ProxyHeaders.V2(Four, FourTo, ProxyHeaders.Crc(), ProxyHeaders.Crc())).Status);
    }

    /// <summary>A header cut anywhere waits for the rest; a whole one is accepted, and bytes after it are ignored.</summary>
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
        Assert.Equal((version, bytes.Length, ProxyCommand.Proxy, true), (header.Version, header.Length, header.Command, header.HasAddresses));
        Assert.Equal(IPEndPoint.Parse(source), header.Source.ToEndPoint());
        Assert.Equal(IPEndPoint.Parse(destination), header.Destination.ToEndPoint());
    }

    private static List<(byte Type, string Value)> Values(ReadOnlySpan<byte> bytes)
    {
        List<(byte, string)> values = [];
        var tlvs = new ProxyTlvReader(bytes);
        while (tlvs.TryRead(out var type, out var value))
        {
            values.Add((type, Encoding.Latin1.GetString(value)));
        }

        Assert.Equal(0, tlvs.Remaining);
        return values;
    }

    private static Parsed Local(int length) =>
        new(ProxyParseStatus.Ok, length, ProxyCommand.Local, AddressFamily.Unspecified, SocketType.Unknown, false, null);

    private static Parsed Parse(byte[] bytes)
    {
        var status = ProxyHeaderParser.Parse(bytes, out var header, out var problem);
        return new Parsed(status, header.Length, header.Command, header.AddressFamily, header.SocketType, header.HasAddresses, problem);
    }

    private sealed record Parsed(
        ProxyParseStatus Status, int Length, ProxyCommand Command, AddressFamily Family, SocketType SocketType, bool HasAddresses, string? Problem);
}
