using EchoHost.Tests.Infrastructure;

namespace Kestrel.Epoll.Tests;

public class KernelSocketFeatureTests
{
    private const int Tcp = 6;
    private const int TcpInfo = 11;

    [Fact]
    public async Task The_kernel_tells_of_the_connection_until_it_is_closed()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        var socket = host.Features.Get<IKernelSocketFeature>()!;
        var info = new byte[256];
        Assert.Equal(0, socket.UnreadBytes);
        await peer.SendAsync("hello");
        await Wait.UntilAsync(() => socket.UnreadBytes == 5, "the bytes have arrived");
        // The first byte is the state: established.
        Assert.InRange(socket.GetOption(Tcp, TcpInfo, info), 100, info.Length);
        Assert.Equal(1, info[0]);
        Assert.True(socket.GetOption(Tcp, 9999, info) < 0);

        host.Abort();
        await host.DisposeAsync().Bounded();
        Assert.Equal(0, socket.UnreadBytes);
        Assert.True(socket.GetOption(Tcp, TcpInfo, info) < 0);
        socket.ShutdownSend();
    }

    [Fact]
    public async Task After_the_end_of_sending_what_comes_is_still_read()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        await host.Transport.Output.WriteAsync("last"u8.ToArray()).Bounded();
        host.Features.Get<IKernelSocketFeature>()!.ShutdownSend();
        Assert.Equal("last"u8.ToArray(), await peer.ReceiveToEndAsync());
        await peer.SendAsync("first");
        var read = await host.Transport.Input.ReadAsync().Bounded();
        Assert.Equal("first"u8[..1].ToArray(), read.Buffer.First[..1].ToArray());
    }
}
