using System.Net;
using System.Net.Sockets;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Epoll.Tests;

/// <summary>Both factories without a server: what they can listen on and connect to.</summary>
public sealed class FactoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("epoll").FullName;
    private readonly EpollTransport _transport = new(new EpollTransportOptions { LoopCount = 1 });

    private EpollListenerFactory Listeners
    {
        get
        {
            Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
            return new EpollListenerFactory(_transport);
        }
    }

    public void Dispose()
    {
        _transport.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_as_Kestrel_does_it()
    {
        await using var first = await Listeners.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        await Assert.ThrowsAsync<AddressInUseException>(async () => await Listeners.BindAsync(first.EndPoint));
    }

    [Fact]
    public async Task A_unix_socket_is_told_by_its_path_and_removed_in_the_end()
    {
        var path = new UnixDomainSocketEndPoint(Path.Combine(_folder, "listener.sock"));
        await using (var listener = await Listeners.BindAsync(path))
        {
            Assert.Same(path, listener.EndPoint);
            await ConnectAsync(listener);
        }

        Assert.False(File.Exists(path.ToString()));
    }

    /// <summary>A socket as systemd passes it: already bound, identified by its number.</summary>
    [Fact]
    public async Task A_socket_that_another_has_bound_is_listened_on_and_closed_in_the_end()
    {
        var listeners = Listeners;
        var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var address = bound.LocalEndPoint!;
        var handle = new FileHandleEndPoint((ulong)bound.SafeHandle.DangerousGetHandle(), FileHandleType.Tcp);
        bound.SafeHandle.SetHandleAsInvalid();
        await using (var listener = await listeners.BindAsync(handle))
        {
            Assert.Equal(address, listener.EndPoint);
            await ConnectAsync(listener);
        }

        var refused = await Assert.ThrowsAsync<SocketException>(async () => await EchoClient.ConnectAsync(address));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
    }

    [Fact]
    public void Other_kinds_of_end_point_are_left_to_other_factories()
    {
        Assert.True(Listeners.CanBind(new IPEndPoint(IPAddress.IPv6Any, 0)));
        Assert.True(Listeners.CanBind(new UnixDomainSocketEndPoint("/tmp/a")));
        Assert.True(Listeners.CanBind(new FileHandleEndPoint(3, FileHandleType.Auto)));
        Assert.False(Listeners.CanBind(new FileHandleEndPoint(3, FileHandleType.Pipe)));
        Assert.False(Listeners.CanBind(new NamedPipeEndPoint("a")));
        Assert.False(Listeners.CanBind(new DnsEndPoint("localhost", 80)));
    }

    [Fact]
    public async Task Only_IP_addresses_are_connected_to_and_a_refusal_is_told()
    {
        var listener = await Listeners.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        var connections = new EpollConnectionFactory(_transport);
        await Assert.ThrowsAsync<NotSupportedException>(async () => await connections.ConnectAsync(new DnsEndPoint("localhost", 80)));
        await listener.DisposeAsync();
        var refused = await Assert.ThrowsAsync<SocketException>(async () => await connections.ConnectAsync(listener.EndPoint).Bounded());
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
    }

    private static async Task ConnectAsync(IConnectionListener listener)
    {
        using var peer = await EchoClient.ConnectAsync(listener.EndPoint);
        var accepted = await listener.AcceptAsync().Bounded();
        await accepted!.Transport.Output.WriteAsync("hello"u8.ToArray()).AsTask().WaitAsync(Wait.Limit);
        Assert.Equal("hello"u8.ToArray(), await peer.ReceiveAsync(5));
        await accepted.DisposeAsync().Bounded();
    }
}
