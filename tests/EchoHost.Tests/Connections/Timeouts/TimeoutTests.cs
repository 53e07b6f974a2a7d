using System.Net.Sockets;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Connections.Timeouts;

public abstract class TimeoutTests(string transport) : TransportTests(transport)
{
    [Fact]
    public async Task A_silent_connection_is_closed_and_a_talking_one_is_not()
    {
        var limit = TimeSpan.FromSeconds(20);
        var time = new FakeTimeProvider();
        await using var host = await StartHostAsync(time, $"Echo:Limits:IdleTimeout={limit}");
        using var talking = await host.ConnectAsync();
        // The next pass aborts a connection whose graceful close has not ended. A pause of the machine may bring that
        // forward; then try with another connection.
        const int tries = 5;
        for (var @try = 1; ; @try++)
        {
            using var silent = await host.ConnectAsync();
            await silent.EchoAsync("once");
            var start = time.GetTimestamp();
            var end = silent.ReceiveToEndAsync();
            for (; !end.IsCompleted; await Task.Delay(5, CancellationToken.None))
            {
                await talking.EchoAsync("and again");
                if (time.GetElapsedTime(start) < limit)
                {
                    time.Advance(TimeSpan.FromSeconds(0.5));
                }
                else
                {
                    await Task.WhenAny(end, Task.Delay(1000, CancellationToken.None));
                    time.Advance(TimeSpan.FromSeconds(end.IsCompleted ? 0 : 0.5));
                }
            }

            Assert.True(time.GetElapsedTime(start) >= limit, $"closed after {time.GetElapsedTime(start)}");
            await host.UntilDisconnectedAsync(silent.LocalAddress, "idle timeout", "idle_timeout");
            if (end.IsCompletedSuccessfully || @try == tries)
            {
                // FIN, not RST.
                Assert.Empty(await end);
                break;
            }
        }

        await talking.EchoAsync("still here");
    }

    [Fact]
    public async Task A_peer_that_takes_nothing_is_aborted()
    {
        await using var host = await StartHostAsync("Echo:LogMessages=false", "Echo:Limits:WriteTimeout=00:00:01");
        using var stuck = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        await Assert.ThrowsAsync<SocketException>(() => stuck.SendAsync(new byte[64 * 1024 * 1024]));
        await host.UntilDisconnectedAsync(stuck.LocalAddress, "write timeout", "write_timeout");
    }

    [Fact]
    public async Task A_peer_that_takes_nothing_after_its_FIN_is_aborted()
    {
        var time = new FakeTimeProvider();
        await using var host = await StartHostAsync(time, "Echo:LogMessages=false", "Echo:Limits:WriteTimeout=00:00:10");
        using var stuck = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        // More than the host takes, so that some bytes remain in the host when the client has closed its side.
        var sending = Assert.ThrowsAsync<SocketException>(() => stuck.SendAsync(new byte[64 * 1024 * 1024]));
        await host.UntilStuckAsync(stuck);
        stuck.HalfClose();
        await sending;
        await time.PassUntilAsync(
            TimeSpan.FromSeconds(1),
            () => host.Log.Lines.Any(line => line.StartsWith($"Peer {stuck.LocalAddress} disconnected: ", StringComparison.Ordinal)),
            "the host ended it");
        await host.UntilDisconnectedAsync(stuck.LocalAddress, "write timeout", "write_timeout");
    }

    [Fact]
    public async Task A_slow_reader_is_not_a_stuck_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells what the peer has taken");
        var limit = TimeSpan.FromSeconds(10);
        var time = new FakeTimeProvider();
        await using var host = await StartHostAsync(time, "Echo:LogMessages=false", $"Echo:Limits:WriteTimeout={limit}");
        using var slow = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        var sent = new byte[6 * 1024 * 1024];
        new Random(5).NextBytes(sent);
        var sending = slow.SendAsync(sent);

        // Three times the limit, with a piece now and then.
        var received = new MemoryStream();
        for (var start = time.GetTimestamp(); time.GetElapsedTime(start) < 3 * limit;)
        {
            received.Write(await slow.ReceiveAsync(16 * 1024));
            time.Advance(limit / 20);
            // The host makes its passes in between.
            await Task.Delay(10, CancellationToken.None);
        }

        received.Write(await slow.ReceiveAsync(sent.Length - (int)received.Length));
        await sending;
        Bytes.AssertSame(sent, received.ToArray());
    }
}

public sealed class TimeoutTestsOnEpoll() : TimeoutTests(TransportTests.Epoll);

public sealed class TimeoutTestsOnSockets() : TimeoutTests(TransportTests.Sockets);
