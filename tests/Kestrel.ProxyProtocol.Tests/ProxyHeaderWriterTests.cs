using System.Net;
using System.Text;
using EchoHost.Tests.Infrastructure;

namespace Kestrel.ProxyProtocol.Tests;

/// <summary>The written bytes, compared with the specification and read back by the parser.</summary>
public class ProxyHeaderWriterTests
{
    [Theory]
    [InlineData("192.0.2.1:56324", "198.51.100.2:443", "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n")]
    [InlineData("0.0.0.0:0", "255.255.255.255:65535", "PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n")]
    [InlineData("[2001:db8::1]:1", "[2001:db8::2]:2", "PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n")]
    [InlineData("[fe80::1%1]:1", "[fe80::2%1]:2", "PROXY TCP6 fe80::1 fe80::2 1 2\r\n")]
    [InlineData("[::ffff:192.0.2.1]:1", "198.51.100.2:2", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n")]
    [InlineData("[::ffff:192.0.2.1]:1", "[::ffff:198.51.100.2]:2", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n")]
    [InlineData("192.0.2.1:1", "[2001:db8::2]:2", "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n")]
    [InlineData("[2001:db8::1]:1", "127.0.0.1:2", "PROXY TCP6 2001:db8::1 ::ffff:127.0.0.1 1 2\r\n")]
    public void Version_1_is_a_line(string source, string destination, string line) =>
        Assert.Equal(line, Encoding.ASCII.GetString(ProxyHeaderWriter.V1(IPEndPoint.Parse(source), IPEndPoint.Parse(destination))));

    [Theory]
    [InlineData("192.0.2.1:56324", "198.51.100.2:443", "21 11 000C C0000201 C6336402 DC04 01BB")]
    [InlineData("0.0.0.0:0", "255.255.255.255:65535", "21 11 000C 00000000 FFFFFFFF 0000 FFFF")]
    [InlineData("[2001:db8::1]:1", "[2001:db8::2]:2", "21 21 0024 20010DB8000000000000000000000001 20010DB8000000000000000000000002 0001 0002")]
    [InlineData("[fe80::1%1]:1", "[fe80::2%1]:2", "21 21 0024 FE800000000000000000000000000001 FE800000000000000000000000000002 0001 0002")]
    [InlineData("[::ffff:192.0.2.1]:1", "198.51.100.2:2", "21 11 000C C0000201 C6336402 0001 0002")]
    [InlineData("192.0.2.1:1", "[2001:db8::2]:2", "21 21 0024 00000000000000000000FFFFC0000201 20010DB8000000000000000000000002 0001 0002")]
    [InlineData("[2001:db8::1]:1", "127.0.0.1:2", "21 21 0024 20010DB8000000000000000000000001 00000000000000000000FFFF7F000001 0001 0002")]
    public void Version_2_is_binary(string source, string destination, string hex) =>
        Assert.Equal(
            "0D0A0D0A000D0A515549540A" + hex.Replace(" ", "", StringComparison.Ordinal),
            Convert.ToHexString(ProxyHeaderWriter.V2(IPEndPoint.Parse(source), IPEndPoint.Parse(destination))));

    [Fact]
    public void LOCAL_has_no_addresses() => Assert.Equal(ProxyHeaders.V2(ProxyHeaders.Local, 0x00), ProxyHeaderWriter.Local);

    [Theory]
    [InlineData("192.0.2.1:56324", "198.51.100.2:443")]
    [InlineData("0.0.0.0:0", "255.255.255.255:65535")]
    [InlineData("[2001:db8::1]:1", "[2001:db8::2]:2")]
    [InlineData("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")]
    [InlineData("192.0.2.1:1", "[2001:db8::2]:2")]
    [InlineData("[2001:db8::1]:1", "127.0.0.1:2")]
    [InlineData("[::1]:1", "127.0.0.1:2")]
    [InlineData("[::]:1", "127.0.0.1:2")]
    public void The_parser_reads_it_back(string source, string destination)
    {
        var (from, to) = (IPEndPoint.Parse(source), IPEndPoint.Parse(destination));
        foreach (var version in new[] { 1, 2 })
        {
            byte[] bytes = [.. version == 1 ? ProxyHeaderWriter.V1(from, to) : ProxyHeaderWriter.V2(from, to), .. "payload"u8];
            var status = ProxyHeaderParser.Parse(bytes, out var header, out var problem);
            Assert.True(status == ProxyParseStatus.Ok, problem);
            Assert.Equal((version, bytes.Length - "payload".Length, ProxyCommand.Proxy), (header.Version, header.Length, header.Command));
            Assert.Equal((Plain(from), Plain(to)), (Plain(header.Source.ToEndPoint()), Plain(header.Destination.ToEndPoint())));
        }
    }

    private static IPEndPoint Plain(IPEndPoint endPoint) =>
        endPoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endPoint.Address.MapToIPv4(), endPoint.Port) : endPoint;
}
