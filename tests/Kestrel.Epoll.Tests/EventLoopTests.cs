using System.Net.Sockets;
using System.Text;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Epoll.Tests;

/// <summary>A single loop, with handlers that block or throw.</summary>
public class EventLoopTests
{
    [Fact]
    public async Task A_handler_that_blocks_holds_up_no_other_connection()
    {
        await using var server = EpollServer.Start(loops: 1);
        using var gate = new ManualResetEventSlim();
        var blocked = new CountdownEvent(3);
        var handlers = new List<Task>();
        var blockers = new List<EchoClient>();
        try
        {
            for (var i = 0; i < blocked.InitialCount; i++)
            {
                var (host, peer) = await server.ConnectAsync();
                blockers.Add(peer);
                handlers.Add(Task.Run(() => BlockThenEchoAsync(host)));
                // Give the handler time to await first, so that it continues on the loop.
                await Task.Delay(20, CancellationToken.None);
                await peer.SendAsync("blocks");
            }

            Assert.True(blocked.Wait(Wait.Limit), "all handlers block");
            var (other, otherPeer) = await server.ConnectAsync();
            handlers.Add(Task.Run(() => EpollConnectionTests.EchoAsync(other)));
            for (var i = 0; i < 20; i++)
            {
                await otherPeer.EchoAsync($"{i} while others block");
            }

            Assert.All(handlers, handler => Assert.False(handler.IsCompleted));
            otherPeer.HalfClose();
        }
        finally
        {
            gate.Set();
        }

        // The handlers that blocked continue too.
        foreach (var peer in blockers)
        {
            Assert.Equal("blocks", Encoding.ASCII.GetString(await peer.ReceiveAsync(6)));
            await peer.EchoAsync("and on");
            peer.HalfClose();
        }

        await Task.WhenAll(handlers).WaitAsync(Wait.Limit);

        async Task BlockThenEchoAsync(ConnectionContext host)
        {
            var read = await host.Transport.Input.ReadAsync();
            blocked.Signal();
            gate.Wait(Wait.Limit);
            await host.Transport.Output.WriteAsync(read.Buffer.First);
            host.Transport.Input.AdvanceTo(read.Buffer.End);
            await EpollConnectionTests.EchoAsync(host);
        }
    }

    /// <summary>
    /// At the descriptor limit, starting a thread ends the process, so the standby thread exists from the start.
    /// </summary>
    [Fact]
    public async Task A_call_that_is_stuck_needs_no_new_thread()
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        const string name = "two for a loop";
        var loop = new EventLoop(name, _ => { });
        try
        {
            for (var i = 0; i < 3; i++)
            {
                using var gate = new ManualResetEventSlim();
                using var isStuck = new ManualResetEventSlim();
                // Continue on another thread, because the test would block the loop's.
                var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                loop.Schedule(new Work(() =>
                {
                    isStuck.Set();
                    gate.Wait(Wait.Limit);
                    left.SetResult();
                }));
                Assert.True(isStuck.Wait(Wait.Limit), "it is called");
                Assert.Equal(1, loop.StandingBy);
                await Wait.UntilAsync(loop.Relieve, "another thread takes over");

                var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                loop.Schedule(new Work(done.SetResult));
                await done.Task.WaitAsync(Wait.Limit);
                Assert.False(left.Task.IsCompleted, "the first is stuck still");
                Assert.Equal(2, ThreadsCalled(name));
                gate.Set();
                await left.Task.WaitAsync(Wait.Limit);
                await Wait.UntilAsync(() => loop.StandingBy == 1, "its thread stands by");
                Assert.Equal(2, ThreadsCalled(name));
            }
        }
        finally
        {
            loop.Stop();
        }
    }

    [Fact]
    public async Task Handlers_that_block_again_and_again_lose_nothing()
    {
        await using var server = EpollServer.Start(loops: 1);
        var peers = new List<EchoClient>();
        for (var i = 0; i < 4; i++)
        {
            var (host, peer) = await server.ConnectAsync();
            peers.Add(peer);
            _ = Task.Run(() => BlockNowAndThenAsync(host));
        }

        await Task.WhenAll(peers.Select((peer, i) => Task.Run(async () =>
        {
            for (var message = 0; message < 100; message++)
            {
                await peer.EchoAsync($"peer {i} message {message}");
            }
        })));

        static async Task BlockNowAndThenAsync(ConnectionContext host)
        {
            for (var i = 1; ; i++)
            {
                var read = await host.Transport.Input.ReadAsync();
                if (i % 40 == 0)
                {
                    Thread.Sleep(150);
                }

                await host.Transport.Output.WriteAsync(read.Buffer.First);
                host.Transport.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
    }

    /// <summary>
    /// No other thread relieves the loop here, and over a Unix socket a read does not show that it was the last. The handler sends
    /// itself the next byte, so that each of its reads finds one.
    /// </summary>
    [Fact]
    public async Task A_connection_that_always_has_more_does_not_starve_others()
    {
        var endPoint = new UnixDomainSocketEndPoint($"\0kestrel-epoll-{Guid.NewGuid()}");
        await using var server = EpollServer.Start(endPoint, loops: 1, lookInterval: TimeSpan.FromDays(1));
        var (firehose, firehosePeer) = await server.ConnectAsync();
        var (other, otherPeer) = await server.ConnectAsync();
        var isOver = false;
        long swallowed = 0;
        var begun = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        server.Loops.Next().Schedule(new Work(() => begun.SetResult(SwallowAsync())));
        var swallowing = await begun.Task.WaitAsync(Wait.Limit);
        var echoing = Task.Run(() => EpollConnectionTests.EchoAsync(other));
        for (var i = 0; i < 50; i++)
        {
            var before = Volatile.Read(ref swallowed);
            await otherPeer.EchoAsync("a cup");
            await Wait.UntilAsync(() => Volatile.Read(ref swallowed) > before, "the firehose goes on");
        }

        Volatile.Write(ref isOver, true);
        await swallowing.WaitAsync(Wait.Limit);
        otherPeer.HalfClose();
        await echoing.WaitAsync(Wait.Limit);

        async Task SwallowAsync()
        {
            while (!Volatile.Read(ref isOver))
            {
                firehosePeer.Socket.Send("x"u8);
                var read = await firehose.Transport.Input.ReadAsync();
                Volatile.Write(ref swallowed, swallowed + read.Buffer.Length);
                firehose.Transport.Input.AdvanceTo(read.Buffer.End);
            }
        }
    }

    /// <summary>What a watchdog asks. The loop that hangs is relieved by no other thread here.</summary>
    [Fact]
    public async Task The_loops_respond_unless_one_hangs()
    {
        await using var server = EpollServer.Start(loops: 2, lookInterval: TimeSpan.FromDays(1));
        await server.Loops.RespondAsync().WaitAsync(Wait.Limit);
        using ManualResetEventSlim gate = new(), hangs = new();
        server.Loops.Next().Schedule(new Work(() =>
        {
            hangs.Set();
            gate.Wait(Wait.Limit);
        }));
        Assert.True(hangs.Wait(Wait.Limit));
        var responding = server.Loops.RespondAsync();
        // The other loop responds, and this is not enough.
        var other = new TaskCompletionSource();
        server.Loops.Next().Schedule(new Work(other.SetResult));
        await other.Task.WaitAsync(Wait.Limit);
        Assert.False(responding.IsCompleted);
        gate.Set();
        await responding.WaitAsync(Wait.Limit);
    }

    [Fact]
    public void Loops_that_are_not_started_have_nothing_to_respond()
    {
        using var transport = new EpollTransport();
        Assert.True(transport.RespondAsync().IsCompletedSuccessfully);
    }

    private static int ThreadsCalled(string name)
    {
        var count = 0;
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                count += File.ReadAllText(Path.Combine(thread, "comm")).TrimEnd('\n') == name ? 1 : 0;
            }
            catch (IOException)
            {
                // The connection has just ended.
            }
        }

        return count;
    }

    private sealed class Work(Action act) : IThreadPoolWorkItem
    {
        public void Execute() => act();
    }
}
