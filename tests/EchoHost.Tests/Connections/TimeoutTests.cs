using System.Diagnostics;
using System.Net.Sockets;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Connections;

public abstract class TimeoutTests(string transport) : TransportTests(transport)
{
    [Fact]
    public async Task A_silent_connection_is_closed_and_a_talking_one_is_not()
    {
        await using var host = await StartHostAsync("Echo:Limits:IdleTimeout=00:00:01");
        using var silent = await host.ConnectAsync();
        using var talking = await host.ConnectAsync();
        await silent.EchoAsync("once");
        var end = silent.ReceiveToEndAsync();
        while (!end.IsCompleted)
        {
            await talking.EchoAsync("and again");
            await Task.Delay(20, CancellationToken.None);
        }

        Assert.Empty(await end);
        await talking.EchoAsync("still here");
        await Wait.UntilAsync(() => host.Log.Entries.Any(e => e.Text == $"Peer {silent.LocalAddress} disconnected" && (string)e.Properties["Reason"]! == "idle_timeout"), "the reason is logged");
    }

    [Fact]
    public async Task A_peer_that_takes_nothing_is_aborted()
    {
        await using var host = await StartHostAsync("Echo:LogMessages=false", "Echo:Limits:WriteTimeout=00:00:01");
        using var stuck = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        await Assert.ThrowsAsync<SocketException>(() => stuck.SendAsync(new byte[64 * 1024 * 1024]));
        await Wait.UntilAsync(() => host.Log.Entries.Any(e => e.Text == $"Peer {stuck.LocalAddress} disconnected" && (string)e.Properties["Reason"]! == "write_timeout"), "the reason is logged");
    }

    [Fact]
    public async Task A_peer_that_takes_nothing_after_its_FIN_is_aborted()
    {
        await using var host = await StartHostAsync("Echo:LogMessages=false", "Echo:Limits:WriteTimeout=00:00:01");
        using var stuck = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        // As much as the host takes, so that a part of it stays with the host when the peer has closed its side.
        stuck.Socket.Blocking = false;
        var sent = 0;
        var chunk = new byte[16 * 1024];
        for (var clock = Stopwatch.StartNew(); clock.ElapsedMilliseconds < 200;)
        {
            try
            {
                sent += stuck.Socket.Send(chunk);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                break;
            }
        }

        stuck.HalfClose();
        await Wait.UntilAsync(() => host.Log.Entries.Any(e => e.Text == $"Peer {stuck.LocalAddress} disconnected" && (string)e.Properties["Reason"]! == "write_timeout"), $"the reason is logged ({sent} bytes sent)");
    }

    [Fact]
    public async Task A_slow_reader_is_not_a_stuck_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells what the peer has taken");
        await using var host = await StartHostAsync("Echo:LogMessages=false", "Echo:Limits:WriteTimeout=00:00:01");
        using var slow = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        var sent = new byte[6 * 1024 * 1024];
        new Random(5).NextBytes(sent);
        var sending = slow.SendAsync(sent);

        // Three times the limit, a piece now and then.
        var received = new MemoryStream();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(3);)
        {
            received.Write(await slow.ReceiveAsync(16 * 1024));
            await Task.Delay(100, CancellationToken.None);
        }

        received.Write(await slow.ReceiveAsync(sent.Length - (int)received.Length));
        await sending;
        Bytes.AssertSame(sent, received.ToArray());
    }
}

public sealed class TimeoutTestsOnEpoll() : TimeoutTests(TransportTests.Epoll);

public sealed class TimeoutTestsOnSockets() : TimeoutTests(TransportTests.Sockets);
