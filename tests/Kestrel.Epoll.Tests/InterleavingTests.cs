using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Kestrel.Epoll.Tests;

/// <summary>
/// The epoll transport under orders of events that seeds select: the loop, the code that reads and writes, and the code
/// that cancels, aborts and disposes. Runs seeds for some seconds by default, for minutes at full length, longer with
/// <c>ECHOHOST_INTERLEAVING_MINUTES</c>; <c>ECHOHOST_INTERLEAVING_SEED</c> runs a single one.
/// </summary>
public sealed class InterleavingTests(ITestOutputHelper output)
{
    private static readonly SeededBytes Payload = new(12);

    [Fact]
    public Task What_is_read_is_what_was_sent_however_reads_are_canceled() => ExploreAsync((seeds, pair) =>
    {
        const int total = 3000;
        var canceling = new CancellationTokenSource();
        var isOver = false;
        seeds.Add("peer", () =>
        {
            for (var at = 0; at < total;)
            {
                at += pair.Peer.Send(Payload.Take(Math.Min(1 + seeds.Choose(900), total - at), at));
                seeds.Yield();
            }

            pair.Peer.Shutdown(SocketShutdown.Send);
        });
        seeds.Add("reader", () =>
        {
            var input = pair.Host.Transport.Input;
            for (long at = 0; ;)
            {
                ReadResult read;
                try
                {
                    read = seeds.Choose(3) == 0 && input.TryRead(out var tried)
                        ? tried
                        : seeds.Await(input.ReadAsync(canceling.IsCancellationRequested ? default : canceling.Token));
                }
                catch (OperationCanceledException)
                {
                    continue;
                }

                Payload.AssertSame(read.Buffer, at);
                var consumed = read.IsCompleted ? read.Buffer.Length : seeds.Choose((int)read.Buffer.Length + 1);
                input.AdvanceTo(read.Buffer.GetPosition(consumed), read.Buffer.End);
                at += consumed;
                if (read.IsCompleted)
                {
                    Assert.Equal(total, at);
                    isOver = true;
                    return;
                }
            }
        });
        seeds.Add("canceler", () =>
        {
            for (var i = 0; i < 5 && !isOver; i++)
            {
                seeds.Yield();
                pair.Host.Transport.Input.CancelPendingRead();
            }

            canceling.Cancel();
        });
    });

    [Fact]
    public Task What_arrives_is_what_was_written_however_flushes_are_canceled() => ExploreAsync(
        (seeds, pair) =>
        {
            const int total = 40_000;
            var canceling = new CancellationTokenSource();
            var flushes = 0;
            seeds.Add("writer", () =>
            {
                var output = pair.Host.Transport.Output;
                for (var at = 0; at < total;)
                {
                    var bytes = Payload.Take(Math.Min(1 + seeds.Choose(15_000), total - at), at);
                    ValueTask<FlushResult> flush;
                    if (seeds.Choose(3) == 0)
                    {
                        bytes.CopyTo(output.GetMemory(bytes.Length));
                        output.Advance(bytes.Length);
                        flush = output.FlushAsync(canceling.IsCancellationRequested ? default : canceling.Token);
                    }
                    else
                    {
                        flush = output.WriteAsync(bytes, canceling.IsCancellationRequested ? default : canceling.Token);
                    }

                    try
                    {
                        seeds.Await(flush);
                    }
                    catch (OperationCanceledException)
                    {
                        // The remaining bytes are sent nevertheless.
                    }

                    at += bytes.Length;
                    flushes++;
                    // The caller may reuse its memory now.
                    bytes.AsSpan().Clear();
                }

                output.Complete();
            });
            seeds.Add("canceler", () =>
            {
                for (var i = 0; i < 20 && flushes < 3; i++)
                {
                    seeds.Yield();
                    if (seeds.Choose(4) == 0)
                    {
                        pair.Host.Transport.Output.CancelPendingFlush();
                    }
                }

                canceling.Cancel();
            });
            seeds.Add("peer", () =>
            {
                var buffer = new byte[3000];
                var at = 0;
                while (Receive(seeds, pair.Peer, buffer) is > 0 and var count)
                {
                    Payload.AssertSame(buffer.AsSpan(0, count), at);
                    at += count;
                }

                Assert.Equal(total, at);
            });
        },
        isNarrow: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task No_memory_is_anothers_whichever_thread_ends_the_connection_and_when(bool isAborted) => ExploreAsync((seeds, pair) =>
    {
        // Another connection on the same loop would see reused memory.
        var other = pair.Beside();
        var isReading = false;
        seeds.Add("peer", () =>
        {
            pair.Peer.Send(new byte[700]);
            seeds.Until(() => isReading);
            try
            {
                pair.Peer.Send(Enumerable.Repeat((byte)0xEE, 9000).ToArray());
            }
            catch (SocketException e) when (EchoClient.IsReset(e))
            {
                // The connection is already closed.
            }
        });
        seeds.Add("reader", () =>
        {
            var input = pair.Host.Transport.Input;
            try
            {
                var read = seeds.Await(input.ReadAsync());
                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                isReading = true;
                read = seeds.Await(input.ReadAsync());
                // This memory must not change while the connection is being closed.
                var before = read.Buffer.IsEmpty ? (byte)0 : read.Buffer.FirstSpan[^1];
                seeds.Yield();
                Assert.Equal(before, read.Buffer.IsEmpty ? (byte)0 : read.Buffer.FirstSpan[^1]);
                input.AdvanceTo(read.Buffer.End);
            }
            catch (Exception e) when (e is InvalidOperationException or ConnectionAbortedException)
            {
                // Completed or aborted before the read could start.
            }

            isReading = true;
        });
        seeds.Add("closer", () =>
        {
            seeds.Until(() => isReading);
            for (var i = seeds.Choose(8); i > 0; i--)
            {
                seeds.Yield();
            }

            if (isAborted)
            {
                pair.Host.Abort();
            }

            var closing = pair.Host.DisposeAsync().AsTask();
            seeds.Until(() => closing.IsCompleted);
        });
        seeds.Add("other", () =>
        {
            var buffer = new byte[2000];
            for (var at = 0; at < 3 * buffer.Length; at += buffer.Length)
            {
                other.Peer.Send(Payload.Take(buffer.Length, at));
                for (var back = 0; back < buffer.Length;)
                {
                    var read = seeds.Await(other.Host.Transport.Input.ReadAsync());
                    seeds.Await(other.Host.Transport.Output.WriteAsync(read.Buffer.First));
                    other.Host.Transport.Input.AdvanceTo(read.Buffer.GetPosition(read.Buffer.First.Length));
                    back += Receive(seeds, other.Peer, buffer.AsSpan(back));
                }

                Payload.AssertSame(buffer, at);
            }
        });
    });

    /// <summary>The kernel refuses to watch the connection, or to watch it for room to write as well.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task Where_the_kernel_will_not_watch_it_a_connection_ends(bool isWatchedToRead) => ExploreAsync(
        (seeds, pair) =>
        {
            if (isWatchedToRead)
            {
                Assert.False(pair.Host.Transport.Input.TryRead(out _));
            }

            seeds.Add("reader", () =>
            {
                try
                {
                    for (var isCompleted = false; !isCompleted;)
                    {
                        var read = seeds.Await(pair.Host.Transport.Input.ReadAsync());
                        pair.Host.Transport.Input.AdvanceTo(read.Buffer.End);
                        isCompleted = read.IsCompleted;
                    }
                }
                catch (ConnectionAbortedException)
                {
                    // Expected.
                }
            });
            seeds.Add("writer", () =>
            {
                // More than the kernel takes without a reader.
                while (!seeds.Await(pair.Host.Transport.Output.WriteAsync(new byte[4000])).IsCompleted)
                {
                }

                Assert.Contains("can't be watched", ((EpollConnection)pair.Host).AbortReason?.Message, StringComparison.Ordinal);
            });
        },
        isNarrow: true,
        watch: () => Errno.NoSpace);

    [Fact]
    public Task Who_calls_is_accepted_until_the_listener_is_unbound() => ExploreAsync((seeds, pair) =>
    {
        var listener = EpollServer.Listen(pair.Transport, new IPEndPoint(IPAddress.Loopback, 0), continuesOnLoop: true, pair.Loop);
        const int callers = 3;
        var calls = 0;
        var accepted = 0;
        seeds.Add("callers", () =>
        {
            for (; calls < callers; calls++)
            {
                using var caller = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                caller.Connect(listener.EndPoint);
                seeds.Yield();
            }
        });
        seeds.Add("accepting", () =>
        {
            while (seeds.Await(listener.AcceptAsync()) is { } connection)
            {
                accepted++;
                connection.Abort();
                var closing = connection.DisposeAsync().AsTask();
                seeds.Until(() => closing.IsCompleted);
            }

            Assert.Equal(callers, accepted);
        });
        seeds.Add("unbinding", () =>
        {
            seeds.Until(() => accepted == callers);
            var unbinding = listener.UnbindAsync().AsTask();
            seeds.Until(() => unbinding.IsCompleted);
        });
    });

    /// <summary>Receives what has come so far; 0 at the end.</summary>
    private static int Receive(Interleaving seeds, Socket peer, Span<byte> buffer)
    {
        while (true)
        {
            try
            {
                return peer.Receive(buffer);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                seeds.Until(() => peer.Poll(0, SelectMode.SelectRead));
            }
        }
    }

    private async Task ExploreAsync(Action<Interleaving, Pair> addActors, bool isNarrow = false, Func<Errno?>? watch = null)
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
#if !DEBUG
        Assert.Skip("only a Debug build has seams");
#endif
        var one = Environment.GetEnvironmentVariable("ECHOHOST_INTERLEAVING_SEED");
        var time = Environment.GetEnvironmentVariable("ECHOHOST_INTERLEAVING_MINUTES") is { } minutes
            ? TimeSpan.FromMinutes(int.Parse(minutes, System.Globalization.CultureInfo.InvariantCulture))
            : TimeSpan.FromSeconds(TestScale.Of(1, 10));
        var tried = 0;
        await Task.Factory.StartNew(
            () =>
            {
                var clock = Stopwatch.StartNew();
                var first = one is null ? Environment.TickCount : int.Parse(one, System.Globalization.CultureInfo.InvariantCulture);
                do
                {
                    Explore(first + tried, addActors, isNarrow, watch);
                    tried++;
                }
                while (one is null && clock.Elapsed < time);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        output.WriteLine($"{tried} seeds");
    }

    private static void Explore(int seed, Action<Interleaving, Pair> addActors, bool isNarrow, Func<Errno?>? watch)
    {
        using var seeds = new Interleaving(seed) { WatchAnswer = watch };
        using var transport = EpollServer.Transport(1);
        var loop = new EventLoop("driven", e => Assert.Fail($"seed {seed}: {e}"), seeds, isDriven: true);
        using (var pair = new Pair(transport, loop, isNarrow))
        {
            addActors(seeds, pair);
            seeds.Run(loop);
            pair.End();
        }

        Assert.True(loop.Blocks.InUse == 0, $"seed {seed}: {loop.Blocks.InUse} blocks were not given back");
        loop.Stop();
    }

    /// <summary>Both ends of a connection.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly List<Pair> _beside = [];

        /// <param name="transport">The transport of the connection.</param>
        /// <param name="loop">The loop that watches it.</param>
        /// <param name="isNarrow">Whether the kernel takes only a few KiB for a peer that does not read.</param>
        public Pair(EpollTransport transport, EventLoop loop, bool isNarrow = false)
        {
            (Transport, Loop) = (transport, loop);
            // A Unix socket has no timers of TCP's flow control.
            EndPoint name = isNarrow ? new UnixDomainSocketEndPoint($"\0echohost-test-{Guid.NewGuid():N}") : new IPEndPoint(IPAddress.Loopback, 0);
            using var listener = Open();
            listener.Bind(name);
            listener.Listen();
            Peer = Open();
            Peer.Connect(isNarrow ? name : listener.LocalEndPoint!);
            Peer.Blocking = false;
            var accepted = SocketDescriptor.Accept(listener.SafeHandle, out var remote, out _)!;
            Host = new EpollConnection(transport, loop, accepted, remote, isNarrow, continuesOnLoop: true);
            if (isNarrow)
            {
                Host.Features.Get<IConnectionSocketFeature>()!.Socket.SendBufferSize = 4096;
            }

            Socket Open() => new(name.AddressFamily, SocketType.Stream, isNarrow ? ProtocolType.Unspecified : ProtocolType.Tcp);
        }

        public EpollTransport Transport { get; }

        public EventLoop Loop { get; }

        public ConnectionContext Host { get; }

        public Socket Peer { get; }

        /// <summary>Closes the host's side in whatever state it is. Only for when no other thread runs.</summary>
        public void End()
        {
            _beside.ForEach(other => other.End());
            Host.Abort();
            var closing = Host.DisposeAsync().AsTask();
            while (!closing.IsCompleted)
            {
                Loop.HandleNow();
            }
        }

        /// <summary>Opens another connection on the same loop.</summary>
        public Pair Beside()
        {
            var other = new Pair(Transport, Loop);
            _beside.Add(other);
            return other;
        }

        public void Dispose()
        {
            Peer.Dispose();
            _beside.ForEach(other => other.Dispose());
        }
    }
}
