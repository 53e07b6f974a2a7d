using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Epoll.Tests;

/// <summary>A connection's output over real sockets, byte by byte.</summary>
public class EpollWriterTests
{
    /// <summary>More bytes than the kernel holds between two ends on loopback, whatever its buffer sizes.</summary>
    private const int TooMuch = 32 * 1024 * 1024;

    private const int SmallBuffer = 4096;

    private static readonly SeededBytes Payload = new(12);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_slow_reader_gets_every_byte_whatever_way_it_was_written(int seed)
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync(SmallBuffer);
        var total = TestScale.Of(8, 64) * 1024 * 1024;
        var writing = Task.Run(async () =>
        {
            var random = new Random(seed);
            for (var at = 0; at < total;)
            {
                var count = Math.Min(random.Next(3) == 0 ? random.Next(1, 1_000_000) : random.Next(1, 5000), total - at);
                var bytes = Payload.Take(count, at);
                var flush = random.Next(3) switch
                {
                    0 => await host.Transport.Output.WriteAsync(bytes),
                    1 => await BufferedAsync(bytes, random.Next(1, 100_000)),
                    _ => await MixedAsync(bytes),
                };
                Assert.False(flush.IsCompleted || flush.IsCanceled);
                at += count;
                // The caller may reuse its memory now.
                bytes.AsSpan().Clear();
            }

            await host.Transport.Output.CompleteAsync();
        });
        var pause = new Random(-seed);
        long received = 0;
        var buffer = new byte[300_000];
        while (true)
        {
            var count = await peer.Socket.ReceiveAsync(buffer.AsMemory(0, pause.Next(1, buffer.Length)), SocketFlags.None).AsTask().WaitAsync(Wait.Limit);
            if (count == 0)
            {
                break;
            }

            Payload.AssertSame(buffer.AsSpan(0, count), received);
            received += count;
            if (pause.Next(20) == 0)
            {
                await Task.Delay(1, CancellationToken.None);
            }
        }

        Assert.Equal(total, received);
        await writing.WaitAsync(Wait.Limit);

        ValueTask<FlushResult> BufferedAsync(byte[] bytes, int piece)
        {
            foreach (var part in bytes.Chunk(piece))
            {
                part.CopyTo(host.Transport.Output.GetSpan(part.Length));
                host.Transport.Output.Advance(part.Length);
            }

            Assert.Equal(bytes.Length, host.Transport.Output.UnflushedBytes);
            return host.Transport.Output.FlushAsync();
        }

        ValueTask<FlushResult> MixedAsync(byte[] bytes)
        {
            host.Transport.Output.Write(bytes.AsSpan(0, bytes.Length / 2));
            return host.Transport.Output.WriteAsync(bytes.AsMemory(bytes.Length / 2));
        }
    }

    [Fact]
    public async Task While_the_peer_takes_nothing_the_flush_is_pending_and_then_it_completes()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync(SmallBuffer);
        var flush = host.Transport.Output.WriteAsync(Payload.Take(TooMuch)).AsTask();
        await Task.Delay(100, CancellationToken.None);
        Assert.False(flush.IsCompleted);
        Payload.AssertSame(await peer.ReceiveAsync(TooMuch / 8), 0);
        Assert.False(flush.IsCompleted);
        peer.OpenWide();
        Payload.AssertSame(await peer.ReceiveAsync(TooMuch - (TooMuch / 8)), TooMuch / 8);
        var result = await flush.WaitAsync(Wait.Limit);
        Assert.False(result.IsCanceled || result.IsCompleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_canceled_flush_loses_no_byte_and_doubles_none(bool byToken)
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync(SmallBuffer);
        using var source = new CancellationTokenSource();
        var bytes = Payload.Take(TooMuch);
        var flush = host.Transport.Output.WriteAsync(bytes, source.Token).AsTask();
        Assert.False(flush.IsCompleted);
        if (byToken)
        {
            await source.CancelAsync();
            Assert.Equal(source.Token, (await Assert.ThrowsAsync<OperationCanceledException>(() => flush.WaitAsync(Wait.Limit))).CancellationToken);
        }
        else
        {
            host.Transport.Output.CancelPendingFlush();
            Assert.True((await flush.WaitAsync(Wait.Limit)).IsCanceled);
        }

        // From here on the owner may reuse the memory.
        bytes.AsSpan().Clear();
        var next = host.Transport.Output.WriteAsync(Payload.Take(1000, TooMuch)).AsTask();
        Assert.False(next.IsCompleted);
        peer.OpenWide();
        Payload.AssertSame(await peer.ReceiveAsync(TooMuch + 1000), 0);
        Assert.False((await next.WaitAsync(Wait.Limit)).IsCanceled);
        await host.Transport.Output.CompleteAsync();
        Assert.Empty(await peer.ReceiveToEndAsync());
    }

    [Fact]
    public async Task After_a_canceled_flush_the_rest_is_sent_without_another()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync(SmallBuffer);
        var flush = host.Transport.Output.WriteAsync(Payload.Take(TooMuch)).AsTask();
        host.Transport.Output.CancelPendingFlush();
        Assert.True((await flush.WaitAsync(Wait.Limit)).IsCanceled);
        peer.OpenWide();
        Payload.AssertSame(await peer.ReceiveAsync(TooMuch), 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flush_canceled_at_any_moment_loses_no_byte(bool byToken)
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync(SmallBuffer);
        var rounds = TestScale.Of(150, 3000);
        const int each = 100_000;
        var receiving = Task.Run(async () =>
        {
            for (var i = 0; i < rounds; i++)
            {
                Payload.AssertSame(await peer.ReceiveAsync(each), (long)i * each);
            }

            Assert.Empty(await peer.ReceiveToEndAsync());
        });
        var canceled = 0;
        for (var i = 0; i < rounds; i++)
        {
            using var source = new CancellationTokenSource();
            var canceling = Task.Run(byToken ? source.Cancel : host.Transport.Output.CancelPendingFlush);
            var bytes = Payload.Take(each, (long)i * each);
            try
            {
                if (byToken)
                {
                    host.Transport.Output.Write(bytes);
                    await host.Transport.Output.FlushAsync(source.Token).Bounded();
                }
                else
                {
                    canceled += (await host.Transport.Output.WriteAsync(bytes).Bounded()).IsCanceled ? 1 : 0;
                }
            }
            catch (OperationCanceledException e)
            {
                canceled++;
                Assert.Equal(source.Token, e.CancellationToken);
            }

            bytes.AsSpan().Clear();
            await canceling.WaitAsync(Wait.Limit);
        }

        await host.Transport.Output.CompleteAsync();
        await receiving.WaitAsync(Wait.Limit);
        Assert.True(canceled > 0);
    }

    [Fact]
    public async Task A_peer_that_is_gone_completes_the_flush_and_the_read_says_why()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.ConnectionClosed.Register(closed.SetResult);
        peer.Reset();
        await closed.Task.WaitAsync(Wait.Limit);
        Assert.True((await host.Transport.Output.WriteAsync(new byte[10]).Bounded()).IsCompleted);
        Assert.True((await host.Transport.Output.WriteAsync(new byte[10]).Bounded()).IsCompleted);
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await host.Transport.Input.ReadAsync().Bounded());
    }

    [Fact]
    public async Task A_reset_completes_a_flush_that_is_pending()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync(SmallBuffer);
        var flush = host.Transport.Output.WriteAsync(new byte[TooMuch]).AsTask();
        Assert.False(flush.IsCompleted);
        peer.Reset();
        Assert.True((await flush.WaitAsync(Wait.Limit)).IsCompleted);
    }

    [Fact]
    public async Task Completed_twice_it_ends_once_and_takes_no_more()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        host.Transport.Output.Write("last"u8);
        host.Transport.Output.Complete();
        host.Transport.Output.Complete(new IOException("twice"));
        Assert.Equal("last", Encoding.ASCII.GetString(await peer.ReceiveToEndAsync()));
        Assert.Throws<InvalidOperationException>(() => host.Transport.Output.GetMemory());
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await host.Transport.Output.WriteAsync(new byte[1]).Bounded());
        host.Transport.Output.CancelPendingFlush();

        // The input is not affected.
        await peer.SendAsync("still");
        Assert.Equal("still", Encoding.ASCII.GetString((await host.Transport.Input.ReadAtLeastAsync(5).Bounded()).Buffer));
    }

    [Fact]
    public async Task Completed_with_bytes_left_these_are_sent_and_then_FIN()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync(SmallBuffer);
        host.Transport.Output.Write(Payload.Take(TooMuch));
        host.Transport.Output.Complete();
        peer.OpenWide();
        var received = await peer.ReceiveToEndAsync();
        Assert.Equal(TooMuch, received.Length);
        Payload.AssertSame(received, 0);
    }

    /// <summary>The peer continues to read just as the output is completed, so the loop sends at the same time.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Completed_while_a_flush_is_pending_every_byte_goes_out_once(bool continuesOnLoop)
    {
        await using var server = EpollServer.Start(continuesOnLoop: continuesOnLoop);
        const int count = 6 * 1024 * 1024;
        for (var i = 0; i < TestScale.Of(8, 150); i++)
        {
            using var peer = await EchoClient.ConnectAsync(server.EndPoint, SmallBuffer);
            await using var host = await server.AcceptAsync();
            var flush = host.Transport.Output.WriteAsync(Payload.Take(count, i)).AsTask();
            peer.OpenWide();
            var receiving = Task.Run(peer.ReceiveToEndAsync);
            Thread.SpinWait(i * 100);
            host.Transport.Output.Complete();
            var received = await receiving;
            Assert.Equal(count, received.Length);
            Payload.AssertSame(received, i);
            await flush.WaitAsync(Wait.Limit);
        }
    }

    /// <summary>With a single loop that is not relieved: if it spins, it serves no other connection.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cancellation_that_no_code_waits_for_does_not_keep_the_loop_busy(bool isCanceledFirst)
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        using var transport = EpollServer.Transport(1);
        var loop = new EventLoop("test loop", _ => { });
        try
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            using var stuckPeer = await EchoClient.ConnectAsync(listener.LocalEndPoint!, SmallBuffer);
            await using var stuck = Accept();
            using var otherPeer = await EchoClient.ConnectAsync(listener.LocalEndPoint!);
            await using var other = Accept();
            var reading = other.Transport.Input.ReadAsync().AsTask();
            try
            {
                stuck.Transport.Output.Write(Payload.Take(TooMuch));
                if (isCanceledFirst)
                {
                    stuck.Transport.Output.CancelPendingFlush();
                }

                stuck.Transport.Output.Complete();
                stuck.Transport.Output.CancelPendingFlush();
                // Makes the loop handle the stuck connection.
                await stuckPeer.ReceiveAsync(100_000);
                await otherPeer.SendAsync("hello");
                Assert.Equal("hello", Encoding.ASCII.GetString((await reading.WaitAsync(Wait.Limit)).Buffer));
            }
            finally
            {
                stuck.Abort();
            }

            EpollConnection Accept() =>
                new(transport, loop, SocketDescriptor.Accept(listener.SafeHandle, out var remote, out _)!, remote, isUnix: false, continuesOnLoop: false);
        }
        finally
        {
            loop.Stop();
        }
    }
}
