using System.Buffers;
using System.Net.Security;
using System.Text;
using EchoHost.Connections.Tls;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Connections.Tls;

/// <summary>The first message of a real TLS client.</summary>
public class ClientHelloTests
{
    [Theory]
    [InlineData("")]
    [InlineData("echo", "echo")]
    [InlineData("h2", "h2", "http/1.1")]
    public async Task The_first_protocol_is_the_clients_choice(string protocol, params string[] offered)
    {
        var hello = await HelloAsync(offered);
        Assert.True(ClientHello.TryReadProtocol(new ReadOnlySequence<byte>(hello), out var found));
        Assert.Equal(protocol, Encoding.ASCII.GetString(found));
        Assert.True(ClientHello.TryReadProtocol(new ReadOnlySequence<byte>([.. hello, 1, 2, 3]), out found));
        Assert.Equal(protocol, Encoding.ASCII.GetString(found));
    }

    [Fact]
    public async Task It_is_not_told_before_the_message_is_complete()
    {
        var hello = await HelloAsync(["echo"]);
        for (var length = 0; length < hello.Length; length++)
        {
            Assert.False(ClientHello.TryReadProtocol(new ReadOnlySequence<byte>(hello, 0, length), out _));
        }
    }

    [Theory]
    [InlineData(new byte[] { 22, 3, 1, 0, 0 })]
    [InlineData(new byte[] { 22, 3, 1, 0, 4, 1, 0, 0, 0 })]
    [InlineData(new byte[] { 22, 3, 1, 0xFF, 0xFF })]
    [InlineData(new byte[] { (byte)'G', (byte)'E', (byte)'T', 0, 1, 32 })]
    public void Other_bytes_name_no_protocol(byte[] bytes)
    {
        Assert.True(ClientHello.TryReadProtocol(new ReadOnlySequence<byte>(bytes), out var protocol));
        Assert.Empty(protocol);
    }

    private static async Task<byte[]> HelloAsync(string[] protocols)
    {
        await using var sent = new OneWayStream();
        await using var client = new SslStream(sent);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [.. protocols.Select(name => new SslApplicationProtocol(name))],
        };
        await Assert.ThrowsAsync<IOException>(() => client.AuthenticateAsClientAsync(options).WaitAsync(Wait.Limit));
        return sent.ToArray();
    }

    /// <summary>Keeps what is written; the other side says nothing.</summary>
    private sealed class OneWayStream : MemoryStream
    {
        public override int Read(Span<byte> buffer) => 0;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(0);
    }
}
