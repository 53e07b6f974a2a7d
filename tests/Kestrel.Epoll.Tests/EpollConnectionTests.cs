using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Kestrel.Epoll.Tests;

/// <summary>The end of a connection, and its properties.</summary>
public sealed class EpollConnectionTests : IDisposable
{
    private const int TooMuch = 32 * 1024 * 1024;
    private const int SmallBuffer = 4096;

    private static readonly SeededBytes Payload = new(13);

    private readonly string _folder = Directory.CreateTempSubdirectory("echohost").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task After_the_peers_FIN_the_host_still_sends()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync(SmallBuffer);
        peer.HalfClose();
        Assert.True((await host.Transport.Input.ReadAsync().Bounded()).IsCompleted);
        var writing = Task.Run(async () =>
        {
            await host.Transport.Output.WriteAsync(Payload.Take(5_000_000));
            await host.Transport.Output.CompleteAsync();
        });
        Payload.AssertSame(await peer.ReceiveAsync(5_000_000), 0);
        Assert.Empty(await peer.ReceiveToEndAsync());
        await writing.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task After_the_hosts_FIN_the_peer_still_sends()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        await host.Transport.Output.CompleteAsync();
        Assert.Empty(await peer.ReceiveToEndAsync());
        var sending = peer.SendAsync(Payload.Take(5_000_000));
        await ReadAsync(host.Transport.Input, 5_000_000);
        await sending;
        peer.HalfClose();
        Assert.True((await host.Transport.Input.ReadAsync().Bounded()).IsCompleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_abort_fails_the_read_with_its_reason_and_resets_the_peer(bool isReading)
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        var reading = isReading ? host.Transport.Input.ReadAsync().AsTask() : null;
        var reason = new ConnectionAbortedException("enough");
        await Task.Run(() => host.Abort(reason)).WaitAsync(Wait.Limit);
        var thrown = await Assert.ThrowsAsync<ConnectionAbortedException>(
            async () => await (reading ?? host.Transport.Input.ReadAsync().AsTask()).WaitAsync(Wait.Limit));
        Assert.Same(reason, thrown);
        Assert.True((await host.Transport.Output.WriteAsync(new byte[1]).Bounded()).IsCompleted);
        Assert.Equal(SocketError.ConnectionReset, (await Assert.ThrowsAsync<SocketException>(peer.ReceiveToEndAsync)).SocketErrorCode);
    }

    [Fact]
    public async Task An_abort_completes_a_flush_that_is_pending()
    {
        await using var server = EpollServer.Start();
        var (host, _) = await server.ConnectAsync(SmallBuffer);
        var flush = host.Transport.Output.WriteAsync(new byte[TooMuch]).AsTask();
        Assert.False(flush.IsCompleted);
        await Task.Run(host.Abort).WaitAsync(Wait.Limit);
        Assert.True((await flush.WaitAsync(Wait.Limit)).IsCompleted);
    }

    [Fact]
    public async Task Of_two_aborts_the_first_reason_stays_and_after_the_end_one_does_nothing()
    {
        await using var server = EpollServer.Start();
        var (host, _) = await server.ConnectAsync();
        host.Abort(new ConnectionAbortedException("first"));
        host.Abort(new ConnectionAbortedException("second"));
        Assert.Equal("first", (await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await host.Transport.Input.ReadAsync().Bounded())).Message);
        await host.DisposeAsync().Bounded();
        await host.DisposeAsync().Bounded();
        host.Abort();

        var (unharmed, peer) = await server.ConnectAsync();
        await unharmed.DisposeAsync().Bounded();
        unharmed.Abort();
        // FIN and no RST: the abort came too late.
        Assert.Empty(await peer.ReceiveToEndAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_abort_at_any_moment_ends_everything(bool continuesOnLoop)
    {
        await using var server = EpollServer.Start(continuesOnLoop: continuesOnLoop);
        for (var i = 0; i < TestScale.Of(100, 3000); i++)
        {
            using var peer = await EchoClient.ConnectAsync(server.EndPoint, SmallBuffer);
            await using var host = await server.AcceptAsync();
            var handling = Task.Run(() => EchoAsync(host));
            var sending = peer.SendAsync(Payload.Take(300_000));
            Thread.SpinWait(i * TestScale.Of(200, 20) % 20_000);
            var aborting = Task.WhenAll(Task.Run(host.Abort), Task.Run(host.Abort));
            await Assert.ThrowsAsync<ConnectionAbortedException>(() => handling.WaitAsync(Wait.Limit));
            await aborting.WaitAsync(Wait.Limit);
            await Assert.ThrowsAsync<SocketException>(async () =>
            {
                await sending;
                await peer.ReceiveToEndAsync();
            });
        }
    }

    [Fact]
    public async Task What_is_left_at_the_end_is_delivered()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync(SmallBuffer);
        host.Transport.Output.Write(Payload.Take(TooMuch));
        var disposing = host.DisposeAsync().AsTask();
        Assert.False(disposing.IsCompleted);
        peer.OpenWide();
        Payload.AssertSame(await peer.ReceiveAsync(TooMuch), 0);
        Assert.Empty(await peer.ReceiveToEndAsync());
        await disposing.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task What_a_peer_never_takes_ends_with_an_abort()
    {
        await using var server = EpollServer.Start();
        var (host, _) = await server.ConnectAsync(SmallBuffer);
        host.Transport.Output.Write(Payload.Take(TooMuch));
        var disposing = host.DisposeAsync().AsTask();
        await Task.Delay(100, CancellationToken.None);
        Assert.False(disposing.IsCompleted);
        host.Abort();
        await disposing.WaitAsync(Wait.Limit);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_peer_that_resets_instead_of_taking_the_rest_ends_it_too(bool isCompleted)
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync(SmallBuffer);
        host.Transport.Output.Write(Payload.Take(TooMuch));
        if (isCompleted)
        {
            host.Transport.Output.Complete();
        }

        var disposing = host.DisposeAsync().AsTask();
        peer.Reset();
        await disposing.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task Both_sides_may_be_completed_in_any_order_and_again()
    {
        await using var server = EpollServer.Start();
        foreach (var outputFirst in new[] { true, false })
        {
            var (host, peer) = await server.ConnectAsync();
            await peer.SendAsync("unread");
            await host.Transport.Input.ReadAtLeastAsync(6).Bounded();
            host.Transport.Output.Write("bye"u8);
            for (var i = 0; i < 2; i++)
            {
                if (outputFirst)
                {
                    host.Transport.Output.Complete();
                }

                host.Transport.Input.Complete();
                host.Transport.Output.Complete();
            }

            Assert.Equal("bye", Encoding.ASCII.GetString(await peer.ReceiveToEndAsync()));
            await host.DisposeAsync().Bounded();
        }
    }

    [Theory]
    [InlineData("FIN")]
    [InlineData("RST")]
    [InlineData("abort")]
    public async Task ConnectionClosed_fires_without_a_read(string end)
    {
        await using var server = EpollServer.Start();
        foreach (var isAskedFirst in new[] { true, false })
        {
            var (host, peer) = await server.ConnectAsync();
            var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (isAskedFirst)
            {
                host.ConnectionClosed.Register(closed.SetResult);
            }

            switch (end)
            {
                case "FIN":
                    peer.HalfClose();
                    break;
                case "RST":
                    peer.Reset();
                    break;
                default:
                    host.Abort();
                    break;
            }

            if (!isAskedFirst)
            {
                host.ConnectionClosed.Register(closed.SetResult);
            }

            await closed.Task.WaitAsync(Wait.Limit);
            Assert.True(host.ConnectionClosed.IsCancellationRequested);
        }
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("::", "127.0.0.1")]
    [InlineData("::", "::1")]
    public async Task Both_end_points_are_as_the_peer_sees_them(string listen, string connect)
    {
        Assert.SkipUnless(listen == "127.0.0.1" || HasIPv6Loopback(), "no IPv6 here");
        await using var server = EpollServer.Start(new IPEndPoint(IPAddress.Parse(listen), 0));
        using var peer = await EchoClient.ConnectAsync(new IPEndPoint(IPAddress.Parse(connect), ((IPEndPoint)server.EndPoint).Port));
        var host = await server.AcceptAsync();
        Assert.Equal(peer.Socket.LocalEndPoint, host.RemoteEndPoint);
        Assert.Equal(peer.Socket.RemoteEndPoint, host.LocalEndPoint);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_unix_socket_carries_every_byte_both_ways(bool continuesOnLoop)
    {
        await using var server = EpollServer.Start(new UnixDomainSocketEndPoint(Path.Combine(_folder, "echo.sock")), continuesOnLoop: continuesOnLoop);
        var (host, peer) = await server.ConnectAsync();
        var handling = Task.Run(() => EchoAsync(host));
        const int count = 3_000_000;
        var receiving = peer.ReceiveToEndAsync();
        var random = new Random(6);
        for (var at = 0; at < count;)
        {
            // Each piece is a message to the kernel; a read may stop at its end.
            var piece = Math.Min(random.Next(3) == 0 ? random.Next(1, 100_000) : random.Next(1, 300), count - at);
            await peer.SendAsync(Payload.Take(piece, at));
            at += piece;
        }

        peer.HalfClose();
        await handling.WaitAsync(Wait.Limit);
        await host.DisposeAsync().Bounded();
        var received = await receiving;
        Assert.Equal(count, received.Length);
        Payload.AssertSame(received, 0);
    }

    /// <summary>
    /// After some reads in a row other connections have their turn. A connection that never had to wait before must be
    /// watched from then on.
    /// </summary>
    [Fact]
    public async Task Any_number_of_reads_in_a_row_from_the_beginning_is_followed_by_a_wait_that_ends()
    {
        await using var server = EpollServer.Start(new UnixDomainSocketEndPoint(Path.Combine(_folder, "echo.sock")));
        for (var reads = 0; reads <= 20; reads++)
        {
            var (host, peer) = await server.ConnectAsync();
            for (var i = 0; i < reads; i++)
            {
                // On a Unix socket, sent bytes are available at once.
                await peer.SendAsync("x");
                var read = await host.Transport.Input.ReadAsync().AsTask().WaitAsync(Wait.Limit);
                Assert.Equal(1, read.Buffer.Length);
                host.Transport.Input.AdvanceTo(read.Buffer.End);
            }

            var waiting = host.Transport.Input.ReadAsync().AsTask();
            await peer.SendAsync("y");
            Assert.Equal(1, (await waiting.WaitAsync(Wait.Limit)).Buffer.Length);
        }
    }

    [Fact]
    public async Task A_unix_socket_that_is_aborted_ends_for_the_peer()
    {
        await using var server = EpollServer.Start(new UnixDomainSocketEndPoint(Path.Combine(_folder, "echo.sock")));
        var (host, peer) = await server.ConnectAsync();
        var reading = host.Transport.Input.ReadAsync().AsTask();
        host.Abort();
        await Assert.ThrowsAsync<ConnectionAbortedException>(() => reading.WaitAsync(Wait.Limit));
        await peer.ReceiveEndAsync();
    }

    [Fact]
    public async Task The_frameworks_socket_can_be_asked_for_and_is_closed_with_the_connection()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        var socket = host.Features.Get<IConnectionSocketFeature>()!.Socket;
        Assert.Same(socket, host.Features.Get<IConnectionSocketFeature>()!.Socket);
        Assert.Equal(peer.Socket.LocalEndPoint, socket.RemoteEndPoint);
        Assert.True(socket.NoDelay);

        // The transport is not affected.
        await peer.SendAsync("hello");
        Assert.Equal("hello", Encoding.ASCII.GetString((await host.Transport.Input.ReadAtLeastAsync(5).Bounded()).Buffer));
        host.Transport.Output.Write("bye"u8);
        await host.DisposeAsync().Bounded();
        Assert.Equal("bye", Encoding.ASCII.GetString(await peer.ReceiveToEndAsync()));
        Assert.True(socket.SafeHandle.IsClosed);
        Assert.Throws<ObjectDisposedException>(() => host.Features.Get<IConnectionSocketFeature>()!.Socket);
    }

    [Fact]
    public async Task Features_can_be_had_replaced_removed_and_enumerated()
    {
        await using var server = EpollServer.Start();
        var (host, _) = await server.ConnectAsync();
        var (other, _) = await server.ConnectAsync();
        Assert.NotEqual(host.ConnectionId, other.ConnectionId);
        Assert.Equal(host.ConnectionId, host.Features.Get<IConnectionIdFeature>()!.ConnectionId);
        Assert.Equal(host.RemoteEndPoint, host.Features.Get<IConnectionEndPointFeature>()!.RemoteEndPoint);
        Assert.Same(host.Transport, host.Features.Get<IConnectionTransportFeature>()!.Transport);
        Assert.Equal(host.ConnectionClosed, host.Features.Get<IConnectionLifetimeFeature>()!.ConnectionClosed);
        host.Items["key"] = "value";
        Assert.Equal("value", host.Features.Get<IConnectionItemsFeature>()!.Items["key"]);
        using (var memory = host.Features.Get<IMemoryPoolFeature>()!.MemoryPool.Rent(100))
        {
            Assert.True(memory.Memory.Length >= 100);
        }

        // Features are replaced, removed, and added beyond the initial capacity.
        var id = new OwnId { ConnectionId = "own" };
        var revision = host.Features.Revision;
        host.Features.Set<IConnectionIdFeature>(id);
        Assert.Same(id, host.Features.Get<IConnectionIdFeature>());
        Assert.Same(id, host.Features[typeof(IConnectionIdFeature)]);
        Assert.Same(id, Assert.Single(host.Features, f => f.Key == typeof(IConnectionIdFeature)).Value);
        host.Features.Set<IConnectionIdFeature>(null);
        Assert.Null(host.Features.Get<IConnectionIdFeature>());
        Assert.DoesNotContain(host.Features, f => f.Key == typeof(IConnectionIdFeature));
        Assert.True(host.Features.Revision > revision);
        Type[] more =
        [
            typeof(byte[]), typeof(int[]), typeof(long[]), typeof(char[]), typeof(bool[]),
            typeof(short[]), typeof(float[]), typeof(double[]), typeof(uint[]), typeof(ulong[]),
        ];
        foreach (var type in more)
        {
            host.Features[type] = Array.CreateInstance(type.GetElementType()!, 1);
        }

        Assert.All(more, type => Assert.IsType(type, host.Features[type]));
        Assert.All(more, type => Assert.Single(host.Features, f => f.Key == type));
        Assert.Contains(host.Features, f => f.Key == typeof(IConnectionTransportFeature));
        Assert.Null(other.Features[typeof(byte[])]);
    }

    [Fact]
    public async Task Ids_are_given_once()
    {
        await using var server = EpollServer.Start();
        var ids = new HashSet<string>();
        for (var i = 0; i < 200; i++)
        {
            using var peer = await EchoClient.ConnectAsync(server.EndPoint);
            await using var host = await server.AcceptAsync();
            Assert.True(ids.Add(host.ConnectionId), $"{host.ConnectionId} again");
        }
    }

    /// <summary>Every connection has its own bytes, and a descriptor number that another one had just before.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_one_connections_is_never_seen_by_another(bool continuesOnLoop)
    {
        await using var server = EpollServer.Start(continuesOnLoop: continuesOnLoop);
        const int workers = 8;
        var cycles = TestScale.Of(250, 5000);
        var accepting = Task.Run(async () =>
        {
            var handlers = new List<Task>();
            for (var i = 0; i < workers * cycles; i++)
            {
                var host = await server.AcceptAsync();
                handlers.Add(Task.Run(() => HandleAsync(host)));
            }

            await Task.WhenAll(handlers);
        });
        await Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < cycles; i++)
            {
                var own = new SeededBytes((ulong)((worker * cycles) + i));
                var random = new Random((worker * cycles) + i);
                var count = random.Next(10) == 0 ? random.Next(8, 100_000) : random.Next(8, 200);
                using var peer = await EchoClient.ConnectAsync(server.EndPoint);
                await peer.SendAsync([.. BitConverter.GetBytes(own.Seed), .. own.Take(count)]);
                switch (random.Next(4))
                {
                    case 0:
                        peer.Reset();
                        break;
                    case 1:
                        break;
                    default:
                        own.AssertSame(await peer.ReceiveAsync(count), 0);
                        break;
                }
            }
        }))).WaitAsync(TestScale.IsFull ? TimeSpan.FromMinutes(5) : Wait.Limit);
        await accepting.WaitAsync(Wait.Limit);

        // The first bytes identify the sequence of all others.
        static async Task HandleAsync(ConnectionContext host)
        {
            try
            {
                var seed = await host.Transport.Input.ReadAtLeastAsync(8);
                if (seed.Buffer.Length >= 8)
                {
                    var own = new SeededBytes(BitConverter.ToUInt64(seed.Buffer.Slice(0, 8).ToArray()));
                    host.Transport.Input.AdvanceTo(seed.Buffer.GetPosition(8));
                    for (long at = 0; ;)
                    {
                        var read = await host.Transport.Input.ReadAsync();
                        own.AssertSame(read.Buffer, at);
                        at += read.Buffer.Length;
                        foreach (var segment in read.Buffer)
                        {
                            await host.Transport.Output.WriteAsync(segment);
                        }

                        host.Transport.Input.AdvanceTo(read.Buffer.End);
                        if (read.IsCompleted)
                        {
                            break;
                        }
                    }
                }
            }
            catch (ConnectionResetException)
            {
                // Some peers reset their connection.
            }

            await host.DisposeAsync().Bounded();
        }
    }

    internal static async Task EchoAsync(ConnectionContext host)
    {
        while (true)
        {
            var read = await host.Transport.Input.ReadAsync();
            foreach (var segment in read.Buffer)
            {
                await host.Transport.Output.WriteAsync(segment);
            }

            host.Transport.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>A kernel may lack the family, and containers often have IPv6 but no ::1.</summary>
    private static bool HasIPv6Loopback()
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task ReadAsync(PipeReader input, int count)
    {
        for (long at = 0; at < count;)
        {
            var read = await input.ReadAsync().Bounded();
            Payload.AssertSame(read.Buffer, at);
            at += read.Buffer.Length;
            input.AdvanceTo(read.Buffer.End);
        }
    }

    private sealed class OwnId : IConnectionIdFeature
    {
        public required string ConnectionId { get; set; }
    }
}
