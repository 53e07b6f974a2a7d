using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Epoll.Tests;

/// <summary>A connection's input over real sockets, byte by byte.</summary>
public class EpollReaderTests
{
    private static readonly SeededBytes Payload = new(11);

    [Fact]
    public async Task The_peers_FIN_completes_reading_after_the_last_byte_and_again_at_every_read()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        await peer.SendAsync("last words");
        peer.HalfClose();
        Assert.Equal("last words", await ReadTextAsync(host, 10));
        for (var i = 0; i < 3; i++)
        {
            var end = await host.Transport.Input.ReadAsync().Bounded();
            Assert.True(end.IsCompleted && end.Buffer.IsEmpty);
            host.Transport.Input.AdvanceTo(end.Buffer.End);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_last_bytes_and_the_FIN_are_never_missed(bool continuesOnLoop)
    {
        // The last bytes come together with FIN while the reader is somewhere between recv and waiting.
        await using var server = EpollServer.Start(continuesOnLoop: continuesOnLoop);
        for (var i = 0; i < TestScale.Of(500, 20_000); i++)
        {
            using var peer = await EchoClient.ConnectAsync(server.EndPoint);
            await using var host = await server.AcceptAsync();
            var reading = Task.Run(() => ReadToEndAsync(host.Transport.Input));
            await peer.SendAsync("a");
            if (i % 2 == 0)
            {
                Thread.SpinWait(i % 500);
            }

            await peer.SendAsync("b");
            peer.HalfClose();
            Assert.Equal("ab", Encoding.ASCII.GetString(await reading.WaitAsync(Wait.Limit)));
        }
    }

    /// <summary>
    /// Code that cancels a read may be about to close the connection. Here the loop sends the bytes and cancels the read
    /// right after, so it has not reported them: only the kernel knows about them.
    /// </summary>
    [Fact]
    public async Task After_a_read_was_canceled_the_next_one_asks_the_kernel_itself()
    {
        // With looks this far apart, no other thread takes over the loop, and the second piece of work, while a busy machine holds it up.
        await using var server = EpollServer.Start(loops: 1, lookInterval: TimeSpan.FromDays(1));
        var (host, peer) = await server.ConnectAsync();
        var (input, loop) = (host.Transport.Input, server.Loops.Next());
        // Without the test's synchronization context, and already awaiting, so that the continuation runs on the loop.
        var reading = Task.Run(() =>
        {
            var read = ReadTwiceAsync();
            loop.Schedule(new Work(() =>
            {
                loop.Schedule(new Work(() => peer.Socket.Send("in the kernel"u8)));
                input.CancelPendingRead();
            }));
            return read;
        });
        Assert.Equal((true, "in the kernel"), await reading.WaitAsync(Wait.Limit));

        async Task<(bool, string?)> ReadTwiceAsync()
        {
            var read = await input.ReadAsync();
            input.AdvanceTo(read.Buffer.End);
            return (read.IsCanceled, input.TryRead(out var rest) ? Encoding.ASCII.GetString(rest.Buffer) : null);
        }
    }

    private sealed class Work(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reset_fails_the_read(bool isReading)
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        var closed = WhenClosed(host);
        var reading = isReading ? host.Transport.Input.ReadAsync().AsTask() : null;
        peer.Reset();
        await closed;
        await Assert.ThrowsAsync<ConnectionResetException>(() => reading ?? host.Transport.Input.ReadAsync().AsTask()).WaitAsync(Wait.Limit);
        // So does every later read.
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await host.Transport.Input.ReadAsync().Bounded());
    }

    [Fact]
    public async Task Canceled_before_the_wait_the_next_read_says_so_and_no_byte_is_lost()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        await peer.SendAsync("first");
        host.Transport.Input.CancelPendingRead();
        var canceled = await host.Transport.Input.ReadAsync().Bounded();
        Assert.True(canceled.IsCanceled);
        host.Transport.Input.AdvanceTo(canceled.Buffer.Start);
        Assert.Equal("first", await ReadTextAsync(host, 5));
    }

    [Fact]
    public async Task Canceled_during_the_wait_the_read_says_so_and_no_byte_is_lost()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        var reading = host.Transport.Input.ReadAsync().AsTask();
        Assert.False(reading.IsCompleted);
        host.Transport.Input.CancelPendingRead();
        var canceled = await reading.WaitAsync(Wait.Limit);
        Assert.True(canceled.IsCanceled && canceled.Buffer.IsEmpty && !canceled.IsCompleted);
        host.Transport.Input.AdvanceTo(canceled.Buffer.End);
        await peer.SendAsync("after");
        Assert.Equal("after", await ReadTextAsync(host, 5));
    }

    [Fact]
    public async Task Canceled_after_the_wait_what_was_kept_is_shown_again()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        await peer.SendAsync("kept");
        var read = await host.Transport.Input.ReadAtLeastAsync(4).Bounded();
        host.Transport.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        host.Transport.Input.CancelPendingRead();
        var canceled = await host.Transport.Input.ReadAsync().Bounded();
        Assert.True(canceled.IsCanceled);
        Assert.Equal("kept", Encoding.ASCII.GetString(canceled.Buffer));
        host.Transport.Input.AdvanceTo(canceled.Buffer.End);
        await peer.SendAsync("more");
        Assert.Equal("more", await ReadTextAsync(host, 4));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Canceled_at_any_moment_by_any_thread_no_byte_is_lost_or_doubled(bool continuesOnLoop)
    {
        await using var server = EpollServer.Start(continuesOnLoop: continuesOnLoop);
        var (host, peer) = await server.ConnectAsync();
        var total = TestScale.Of(20_000, 500_000);
        long received = 0;
        var cancellations = 0;
        var reading = Task.Run(async () =>
        {
            for (var isEnd = false; !isEnd;)
            {
                var read = await host.Transport.Input.ReadAsync();
                Volatile.Write(ref cancellations, cancellations + (read.IsCanceled ? 1 : 0));
                Payload.AssertSame(read.Buffer, received);
                received += read.Buffer.Length;
                host.Transport.Input.AdvanceTo(read.Buffer.End);
                isEnd = read.IsCompleted;
            }
        });
        var canceling = Task.Run(async () =>
        {
            while (!reading.IsCompleted)
            {
                host.Transport.Input.CancelPendingRead();
                await Task.Yield();
            }
        });
        await Wait.UntilAsync(() => Volatile.Read(ref cancellations) > 10 || reading.IsCompleted, "reads are canceled");
        for (var at = 0; at < total; at += 10)
        {
            await peer.SendAsync(Payload.Take(10, at));
        }

        peer.HalfClose();
        await reading.WaitAsync(Wait.Limit);
        await canceling.WaitAsync(Wait.Limit);
        Assert.Equal(total, received);
    }

    [Fact]
    public async Task A_token_ends_the_wait_and_no_byte_is_lost()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        using var source = new CancellationTokenSource();
        var reading = host.Transport.Input.ReadAsync(source.Token).AsTask();
        await source.CancelAsync();
        var canceled = await Assert.ThrowsAsync<OperationCanceledException>(() => reading.WaitAsync(Wait.Limit));
        Assert.Equal(source.Token, canceled.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await host.Transport.Input.ReadAsync(source.Token).Bounded());
        await peer.SendAsync("after");
        Assert.Equal("after", await ReadTextAsync(host, 5));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_token_canceled_at_any_moment_loses_no_byte(bool continuesOnLoop)
    {
        await using var server = EpollServer.Start(continuesOnLoop: continuesOnLoop);
        var (host, peer) = await server.ConnectAsync();
        var rounds = TestScale.Of(1000, 50_000);
        long received = 0;
        for (var i = 0; i < rounds; i++)
        {
            using var source = new CancellationTokenSource();
            var canceling = Task.Run(source.Cancel);
            var sending = peer.SendAsync(Payload.Take(3, i * 3));
            try
            {
                Take(await host.Transport.Input.ReadAsync(source.Token).Bounded());
            }
            catch (OperationCanceledException e)
            {
                Assert.Equal(source.Token, e.CancellationToken);
            }

            await Task.WhenAll(canceling, sending).WaitAsync(Wait.Limit);
        }

        while (received < rounds * 3)
        {
            Take(await host.Transport.Input.ReadAsync().Bounded());
        }

        void Take(ReadResult read)
        {
            Assert.False(read.IsCanceled);
            Payload.AssertSame(read.Buffer, received);
            received += read.Buffer.Length;
            host.Transport.Input.AdvanceTo(read.Buffer.End);
        }
    }

    /// <summary>Each piece is sent only when the one before has been examined, so each needs a wait of its own.</summary>
    [Theory]
    [InlineData(1, 5000)]
    [InlineData(1000, 200_000)]
    [InlineData(4096, 64 * 1024)]
    [InlineData(64 * 1024, 64 * 1024)]
    [InlineData((64 * 1024) - 1, 64 * 1024)]
    [InlineData((64 * 1024) + 1, 192 * 1024)]
    public async Task What_is_not_consumed_stays_through_every_wait(int piece, int total)
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        for (var sent = 0; sent < total;)
        {
            var count = Math.Min(piece, total - sent);
            await peer.SendAsync(Payload.Take(count, sent));
            sent += count;
            for (long seen = 0; seen < sent;)
            {
                var read = await host.Transport.Input.ReadAsync().Bounded();
                seen = read.Buffer.Length;
                Payload.AssertSame(read.Buffer.Slice(Math.Max(0, seen - (2 * piece))), Math.Max(0, seen - (2 * piece)));
                host.Transport.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }

        peer.HalfClose();
        var all = await host.Transport.Input.ReadAsync().Bounded();
        Assert.True(all.IsCompleted);
        Assert.Equal(total, all.Buffer.Length);
        Payload.AssertSame(all.Buffer, 0);
        host.Transport.Input.AdvanceTo(all.Buffer.End);
    }

    [Fact]
    public async Task One_byte_can_be_left_each_time()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        var random = new Random(3);
        long consumed = 0;
        long sent = 0;
        for (var i = 0; i < 2000; i++)
        {
            var count = random.Next(8) == 0 ? random.Next(1, 30_000) : random.Next(1, 20);
            await peer.SendAsync(Payload.Take(count, sent));
            sent += count;
            while (consumed < sent - 1)
            {
                var read = await host.Transport.Input.ReadAsync().Bounded();
                Payload.AssertSame(read.Buffer, consumed);
                consumed += read.Buffer.Length - 1;
                host.Transport.Input.AdvanceTo(read.Buffer.GetPosition(read.Buffer.Length - 1), read.Buffer.End);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Any_share_can_be_consumed_and_examined(int seed)
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        var total = TestScale.Of(4, 64) * 1024 * 1024;
        var sending = Task.Run(async () =>
        {
            var sizes = new Random(seed);
            for (var at = 0; at < total;)
            {
                var count = Math.Min(sizes.Next(4) == 0 ? sizes.Next(1, 200_000) : sizes.Next(1, 3000), total - at);
                await peer.SendAsync(Payload.Take(count, at));
                at += count;
            }

            peer.HalfClose();
        });
        var random = new Random(-seed);
        long consumed = 0;
        long examined = 0;
        while (consumed < total)
        {
            var read = await host.Transport.Input.ReadAsync().Bounded();
            var length = read.Buffer.Length;
            Assert.True(read.IsCompleted || consumed + length > examined, "all that was examined was returned again, without anything new");
            Payload.AssertSame(read.Buffer, consumed);
            var consume = length > 300_000 || read.IsCompleted ? length : random.NextInt64(length + 1);
            var examine = random.Next(2) == 0 ? length : random.NextInt64(consume, length + 1);
            host.Transport.Input.AdvanceTo(read.Buffer.GetPosition(consume), read.Buffer.GetPosition(examine));
            examined = consumed + examine;
            consumed += consume;
        }

        await sending.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task What_is_not_examined_is_returned_without_a_wait()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        await peer.SendAsync("abcdef");
        var read = await host.Transport.Input.ReadAtLeastAsync(6).Bounded();
        host.Transport.Input.AdvanceTo(read.Buffer.GetPosition(2), read.Buffer.GetPosition(4));
        var again = host.Transport.Input.ReadAsync();
        Assert.True(again.IsCompletedSuccessfully);
        Assert.Equal("cdef", Encoding.ASCII.GetString((await again).Buffer));
        host.Transport.Input.AdvanceTo(read.Buffer.End);
    }

    [Fact]
    public async Task TryRead_returns_what_is_there_and_never_waits()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        Assert.False(host.Transport.Input.TryRead(out _));
        await peer.SendAsync("soon");
        var read = default(ReadResult);
        await Wait.UntilAsync(() => host.Transport.Input.TryRead(out read), "the bytes are there");
        Assert.Equal("soon", Encoding.ASCII.GetString(read.Buffer));
        host.Transport.Input.AdvanceTo(read.Buffer.End);
        Assert.False(host.Transport.Input.TryRead(out _));
    }

    [Fact]
    public async Task Urgent_data_comes_in_its_place_and_hides_nothing_behind_it()
    {
        await using var server = EpollServer.Start();
        for (var i = 0; i < 200; i++)
        {
            using var peer = await EchoClient.ConnectAsync(server.EndPoint);
            await using var host = await server.AcceptAsync();
            if (i % 2 == 0)
            {
                // With a connection that is already watched, and with one that is not.
                await peer.SendAsync("0");
                Assert.Equal("0", await ReadTextAsync(host, 1));
                var reading = host.Transport.Input.ReadAsync().AsTask();
                host.Transport.Input.CancelPendingRead();
                host.Transport.Input.AdvanceTo((await reading.WaitAsync(Wait.Limit)).Buffer.End);
            }

            await peer.SendAsync("ab");
            peer.Socket.Send("!"u8, SocketFlags.OutOfBand);
            await peer.SendAsync("cd");
            peer.Socket.Send("?"u8, SocketFlags.OutOfBand);
            Assert.Equal("ab!cd?", await ReadTextAsync(host, 6));
        }
    }

    [Fact]
    public async Task Completed_twice_it_reads_no_more()
    {
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        await peer.SendAsync("unread");
        var read = await host.Transport.Input.ReadAsync().Bounded();
        host.Transport.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        host.Transport.Input.Complete();
        host.Transport.Input.Complete(new IOException("twice"));
        Assert.Throws<InvalidOperationException>(() => host.Transport.Input.TryRead(out _));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await host.Transport.Input.ReadAsync().Bounded());
        host.Transport.Input.CancelPendingRead();

        // The output is not affected.
        await host.Transport.Output.WriteAsync("still"u8.ToArray()).Bounded();
        Assert.Equal("still", Encoding.ASCII.GetString(await peer.ReceiveAsync(5)));
    }

    private static async Task<string> ReadTextAsync(ConnectionContext host, int count)
    {
        var read = await host.Transport.Input.ReadAtLeastAsync(count).Bounded();
        var text = Encoding.ASCII.GetString(read.Buffer);
        host.Transport.Input.AdvanceTo(read.Buffer.End);
        return text;
    }

    private static async Task<byte[]> ReadToEndAsync(PipeReader input)
    {
        while (true)
        {
            var read = await input.ReadAsync();
            if (read.IsCompleted)
            {
                var all = read.Buffer.ToArray();
                input.AdvanceTo(read.Buffer.End);
                return all;
            }

            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static Task WhenClosed(ConnectionContext host)
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.ConnectionClosed.Register(closed.SetResult);
        return closed.Task.WaitAsync(Wait.Limit);
    }
}
