using System.Diagnostics;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Epoll.Tests;

/// <summary>
/// The epoll transport with random pauses of its threads at every place where another may intervene, and with the loop
/// relieved at every check: conditions that a busy machine has once a day. Runs seconds by default, minutes at full length.
/// </summary>
public sealed class StallTests(ITestOutputHelper output)
{
    private static readonly SeededBytes Payload = new(12);
    private static readonly TimeSpan EveryLook = TimeSpan.FromMilliseconds(0.01);

    private readonly TimeSpan _time = TimeSpan.FromSeconds(TestScale.Of(1, 60));

    [Fact]
    public async Task Bytes_leave_in_order_whichever_thread_sends_them()
    {
        var rounds = 0;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < _time; rounds++)
        {
            await using var server = EpollServer.Start(loops: 1, lookInterval: EveryLook, seams: new Stalls());
            var (host, peer) = await server.ConnectAsync(4096);
            const int total = 4 * 1024 * 1024;
            var writing = WriteAsync(host, total, new Random(rounds));
            var buffer = new byte[300_000];
            long received = 0;
            while (await peer.Socket.ReceiveAsync(buffer).WaitAsync(Wait.Limit) is > 0 and var count)
            {
                Payload.AssertSame(buffer.AsSpan(0, count), received);
                received += count;
            }

            await writing.WaitAsync(Wait.Limit);
            Assert.Equal(total, received);
        }

        output.WriteLine($"{rounds} rounds");
    }

    /// <summary>With bytes that remain unconsumed from one read to the next, and without.</summary>
    [Theory]
    [InlineData(6000)]
    [InlineData(0)]
    public async Task A_connection_that_is_disposed_while_the_loop_receives_harms_no_other(int kept)
    {
        await using var server = EpollServer.Start(loops: 1, lookInterval: EveryLook, seams: new Stalls());
        var (otherHost, otherPeer) = await server.ConnectAsync();
        var echoing = EpollConnectionTests.EchoAsync(otherHost);
        using var stop = new CancellationTokenSource();
        var checking = EchoAllTheTimeAsync(otherPeer, stop.Token);
        var rounds = 0;
        var junk = Enumerable.Repeat((byte)0xEE, 50_000).ToArray();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < _time && !checking.IsCompleted; rounds++)
        {
            var (host, peer) = await server.ConnectAsync();
            var input = host.Transport.Input;
            await peer.SendAsync(new byte[kept]);
            for (long have = 0; have < kept;)
            {
                var read = await input.ReadAsync().Bounded();
                have = read.Buffer.Length;
                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }

            var pending = input.ReadAsync().AsTask();
            using var together = new Barrier(2);
            var disposing = Task.Run(async () =>
            {
                together.SignalAndWait(Wait.Limit);
                Thread.SpinWait(Random.Shared.Next(3000));
                await host.DisposeAsync();
            });
            together.SignalAndWait(Wait.Limit);
            _ = peer.Socket.SendAsync(junk).ContinueWith(sent => sent.Exception, TaskScheduler.Default);
            await disposing.WaitAsync(Wait.Limit);
            await pending.WaitAsync(Wait.Limit);
            peer.Dispose();
        }

        await stop.CancelAsync();
        await checking.WaitAsync(Wait.Limit);
        otherPeer.HalfClose();
        await echoing.WaitAsync(Wait.Limit);
        output.WriteLine($"{rounds} rounds");
    }

    private static async Task WriteAsync(ConnectionContext host, int total, Random random)
    {
        for (var at = 0; at < total;)
        {
            var bytes = Payload.Take(Math.Min(random.Next(1, 500_000), total - at), at);
            using var canceling = new CancellationTokenSource();
            var flush = host.Transport.Output.WriteAsync(bytes, canceling.Token);
            if (!flush.IsCompleted && random.Next(2) == 0)
            {
                Thread.SpinWait(random.Next(2000));
                await canceling.CancelAsync();
            }

            try
            {
                await flush;
            }
            catch (OperationCanceledException)
            {
                Thread.SpinWait(random.Next(5000));
            }

            at += bytes.Length;
            // The caller may reuse its memory now.
            bytes.AsSpan().Clear();
        }

        await host.Transport.Output.CompleteAsync();
    }

    private static async Task EchoAllTheTimeAsync(EchoClient peer, CancellationToken stop)
    {
        for (var at = 0; !stop.IsCancellationRequested; at += 2000)
        {
            await peer.SendAsync(Payload.Take(2000, at));
            Payload.AssertSame(await peer.ReceiveAsync(2000), at);
        }
    }

    /// <summary>
    /// Usually no pause; sometimes a short one, or one of a scheduler's time slice; rarely one longer than the interval
    /// between checks of the loop.
    /// </summary>
    private sealed class Stalls : ISeams
    {
        public void BeforeLock(object gate) => Pass();

        public void Pass()
        {
            switch (Random.Shared.Next(4000))
            {
                case 0:
                    Thread.Sleep(60);
                    break;
                case < 4:
                    Thread.Sleep(1);
                    break;
                case < 200:
                    Thread.SpinWait(Random.Shared.Next(3000));
                    break;
            }
        }

        public Errno? Watch() => null;
    }
}
