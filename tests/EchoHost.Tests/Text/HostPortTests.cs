using EchoHost.Text;

namespace EchoHost.Tests.Text;

public class HostPortTests
{
    [Theory]
    [InlineData("127.0.0.1:5555", "127.0.0.1", 5555)]
    [InlineData("[2001:DB8::1]:65535", "[2001:DB8::1]", 65535)]
    [InlineData("echo.example:0", "echo.example", 0)]
    [InlineData("*:00080", "*", 80)]
    [InlineData(":80", "", 80)]
    [InlineData("::1:80", "::1", 80)]
    [InlineData("a b]c:80", "a b]c", 80)]
    public void The_port_stands_behind_the_last_colon(string text, string host, int port)
    {
        Assert.True(HostPort.TryParse(text, out var parsed, out var problem), problem);
        Assert.Equal((new HostPort(host, port), null), (parsed, problem));
        Assert.Equal(host, HostPort.WithoutPort(text));
    }

    [Theory]
    [InlineData("localhost:", "")]
    [InlineData("localhost:65536", "65536")]
    [InlineData("localhost:-1", "-1")]
    [InlineData("localhost:+1", "+1")]
    [InlineData("localhost: 1", " 1")]
    [InlineData("localhost:1 ", "1 ")]
    [InlineData("localhost:0x50", "0x50")]
    [InlineData("localhost:http", "http")]
    [InlineData("localhost:٣", "٣")]
    [InlineData("localhost:99999999999999999999", "99999999999999999999")]
    [InlineData("[::1]", "1]")]
    public void What_is_no_port_is_told(string text, string port)
    {
        Assert.False(HostPort.TryParse(text, out _, out var problem));
        Assert.Equal($"'{port}' is not a port (0–65535)", problem);
    }

    [Theory]
    [InlineData("")]
    [InlineData("localhost")]
    public void Without_a_colon_there_is_no_port_to_speak_of(string text)
    {
        Assert.False(HostPort.TryParse(text, out _, out var problem));
        Assert.Null(problem);
    }

    [Fact]
    public void Port_0_is_one_only_where_it_can_be_used()
    {
        Assert.False(HostPort.TryParse("localhost:0", out _, out var problem, minPort: 1));
        Assert.Equal("'0' is not a port (1–65535)", problem);
        Assert.True(HostPort.TryParse("localhost:1", out _, out _, minPort: 1));
    }

    [Theory]
    [InlineData("localhost", "localhost", 8080)]
    [InlineData("localhost:1", "localhost", 1)]
    [InlineData("[::1]", "[::1]", 8080)]
    [InlineData("[::1]:1", "[::1]", 1)]
    [InlineData("", "", 8080)]
    public void A_host_alone_has_the_port_that_it_is_given(string text, string host, int port)
    {
        Assert.True(HostPort.TryParse(text, out var parsed, out var problem, defaultPort: 8080), problem);
        Assert.Equal(new HostPort(host, port), parsed);
        Assert.Equal(host, HostPort.WithoutPort(text));
    }

    [Theory]
    [InlineData("localhost:")]
    [InlineData("[::1]:x")]
    public void A_port_that_is_none_is_not_replaced(string text) => Assert.False(HostPort.TryParse(text, out _, out _, defaultPort: 8080));

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("[2001:DB8::1]", "2001:db8::1")]
    [InlineData("[::ffff:192.0.2.1]", "::ffff:192.0.2.1")]
    [InlineData("2001:db8::1", null)]
    [InlineData("[192.0.2.1]", null)]
    [InlineData("[[::1]]", null)]
    [InlineData("[::1]:80", null)]
    [InlineData("[::1", null)]
    [InlineData("[]", null)]
    [InlineData("[", null)]
    [InlineData("", null)]
    [InlineData("127.1", null)]
    [InlineData("010.0.0.1", null)]
    [InlineData("localhost", null)]
    public void An_address_is_IPv4_or_IPv6_in_brackets(string host, string? address) => Assert.Equal(address, HostPort.AddressOf(host)?.ToString());
}
