using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Connections.Faults;

/// <summary>What clients see of an endpoint with faults, by the byte and the clock.</summary>
public abstract class FaultTests(string transport) : TransportTests(transport)
{
    private const string Faults = "Echo:Endpoints:Tcp:Faults:";

    private readonly bool _isEpoll = transport == Epoll;

    [Fact]
    public async Task A_delay_keeps_the_order_and_does_not_add_up()
    {
        await using var host = await StartHostAsync($"{Faults}Delay=500ms");
        using var client = await host.ConnectAsync();
        var start = Stopwatch.GetTimestamp();
        var metrics = MetricsOf(host);
        for (var i = 0; i < 20; i++)
        {
            await client.SendAsync($"{i:D2}");
            await Wait.UntilAsync(() => metrics.Messages == i + 1, "the message is read");
        }

        Assert.Equal(string.Concat(Enumerable.Range(0, 20).Select(i => $"{i:D2}")), Encoding.ASCII.GetString(await client.ReceiveAsync(40)));
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0.5, 9);
    }

    [Fact]
    public async Task Jitter_keeps_the_order()
    {
        await using var host = await StartHostAsync($"{Faults}Delay=20ms", $"{Faults}Jitter=20ms");
        using var client = await host.ConnectAsync();
        var sent = new SeededBytes(1).Take(20_000);
        for (var at = 0; at < sent.Length; at += 100)
        {
            await client.SendAsync(sent.AsMemory(at, 100));
        }

        client.HalfClose();
        Assert.Equal(sent, await client.ReceiveToEndAsync());
    }

    [Fact]
    public async Task A_rate_is_kept()
    {
        await using var host = await StartHostAsync($"{Faults}BytesPerSecond=200000");
        using var client = await host.ConnectAsync();
        var sent = new SeededBytes(1).Take(200_000);
        var start = Stopwatch.GetTimestamp();
        var receiving = client.ReceiveAsync(sent.Length);
        await client.SendAsync(sent);
        Assert.Equal(sent, await receiving);
        // The first 50 ms leave at once.
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0.94, 30);
    }

    [Fact]
    public async Task Slices_leave_as_segments()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads TCP_INFO");
        await using var host = await StartHostAsync($"{Faults}SliceBytes=7");
        using var client = await host.ConnectAsync();
        await client.EchoAsync(new string('x', 70));
        // The other transport may join two slices where the machine pauses.
        Assert.InRange(SegmentsReceived(client.Socket), _isEpoll ? 10 : 5, 10);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public async Task It_closes_after_so_many_bytes(int bytes)
    {
        await using var host = await StartHostAsync($"{Faults}CloseAfterBytes={bytes}");
        using var client = await host.ConnectAsync();
        await client.SendAsync("Hello, world");
        Assert.Equal("Hello, world"[..bytes], Encoding.ASCII.GetString(await client.ReceiveToEndAsync()));
        await host.UntilDisconnectedAsync(client.LocalAddress, "fault", "fault");
        Assert.Equal(bytes, MetricsOf(host).SentBytes);
    }

    [Fact]
    public async Task It_resets_after_so_many_bytes()
    {
        await using var host = await StartHostAsync($"{Faults}ResetAfterBytes=5");
        using var client = await host.ConnectAsync();
        await client.SendAsync("Hello, world");
        Assert.Equal("Hello", Encoding.ASCII.GetString(await client.ReceiveAsync(5)));
        await ExpectResetAsync(client);
        await host.UntilDisconnectedAsync(client.LocalAddress, "fault", "fault");
    }

    [Theory]
    [InlineData("CloseAfter")]
    [InlineData("ResetAfter")]
    public async Task An_end_at_once_comes_before_any_echo(string key)
    {
        await using var host = await StartHostAsync($"{Faults}{key}=0s");
        for (var i = 0; i < 50; i++)
        {
            await EchoClient.ExpectTurnedAwayAsync(host.Tcp, "hi");
        }

        Assert.Equal(0, MetricsOf(host).SentBytes);
    }

    /// <summary>The answer has been made, but waits for its time.</summary>
    [Fact]
    public async Task A_drain_does_not_wait_for_an_answer_that_waits()
    {
        await using var host = await StartHostAsync("Echo:Endpoints:Tcp:Service=Who", $"{Faults}Delay=1h", "Echo:Shutdown:CloseSpread=00:00:00");
        using var client = await host.ConnectAsync();
        await Wait.UntilAsync(() => MetricsOf(host).Active == 1, "it is connected");
        var stop = host.BeginStop();
        Assert.EndsWith("}\n", Encoding.UTF8.GetString(await client.ReceiveToEndAsync()), StringComparison.Ordinal);
        client.Dispose();
        await stop.WaitAsync(Wait.Limit);
    }

    /// <summary>What waits in the host is not what the client does not take.</summary>
    [Fact]
    public async Task A_delay_beyond_the_write_timeout_is_no_write_timeout()
    {
        await using var host = await StartHostAsync($"{Faults}Delay=2s", "Echo:Limits:WriteTimeout=00:00:00.5", "Echo:LogMessages=false");
        using var client = await host.ConnectAsync();
        var sent = new SeededBytes(1).Take(3_000_000);
        var sending = client.SendAsync(sent);
        Assert.Equal(sent, await client.ReceiveAsync(sent.Length));
        await sending;
    }

    [Fact]
    public async Task It_closes_a_silent_client_after_a_time()
    {
        await using var host = await StartHostAsync($"{Faults}CloseAfter=200ms");
        // The clock of timers, which is coarser than a stopwatch.
        var start = Environment.TickCount64;
        using var client = await host.ConnectAsync();
        Assert.Empty(await client.ReceiveToEndAsync());
        Assert.InRange(Environment.TickCount64 - start, 200, long.MaxValue);
    }

    [Fact]
    public async Task It_resets_a_silent_client_after_a_time()
    {
        await using var host = await StartHostAsync($"{Faults}ResetAfter=200ms");
        using var client = await host.ConnectAsync();
        await ExpectResetAsync(client);
        await host.UntilDisconnectedAsync(client.LocalAddress, "fault", "fault");
    }

    /// <summary>Neither a client that never stops nor one that never reads holds up an end by time.</summary>
    [Theory]
    [InlineData("CloseAfter", true)]
    [InlineData("CloseAfter", false)]
    [InlineData("ResetAfter", true)]
    [InlineData("ResetAfter", false)]
    public async Task An_end_by_time_comes_whether_or_not_anything_moves(string key, bool reads)
    {
        await using var host = await StartHostAsync(
            $"{Faults}{key}=300ms", $"{Faults}BytesPerSecond=100000000", "Echo:Limits:WriteTimeout=00:00:00", "Echo:Limits:IdleTimeout=00:00:00");
        using var client = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        using var over = new CancellationTokenSource();
        var sending = Task.Run(async () =>
        {
            var bytes = new byte[64 * 1024];
            while (await client.Socket.SendAsync(bytes, SocketFlags.None, over.Token) > 0)
            {
                // Until the host ends the connection.
            }
        });
        var reading = reads ? Task.Run(() => client.ReceiveToEndAsync()) : Task.CompletedTask;
        await host.UntilLoggedAsync(
            entry => entry.Text.StartsWith($"Peer {client.LocalAddress} disconnected: fault after ", StringComparison.Ordinal), "the host ended it");
        await over.CancelAsync();
        client.Dispose();
        await Task.WhenAll(sending, reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    [Fact]
    public async Task A_silent_endpoint_reads_and_answers_nothing()
    {
        await using var host = await StartHostAsync($"{Faults}Silent=true");
        using var client = await host.ConnectAsync();
        var bytes = new SeededBytes(1).Take(3_000_000);
        await client.SendAsync(bytes);
        client.HalfClose();
        Assert.Empty(await client.ReceiveToEndAsync());
        await Wait.UntilAsync(() => MetricsOf(host).Active == 0, "it has ended");
        Assert.Equal((bytes.Length, 0L), (MetricsOf(host).ReceivedBytes, MetricsOf(host).SentBytes));
    }

    [Fact]
    public async Task A_stalled_endpoint_lets_the_window_fill()
    {
        await using var host = await StartHostAsync($"{Faults}Stalled=true", "Echo:Limits:IdleTimeout=00:00:01");
        using var client = await host.ConnectAsync();
        client.Socket.SendBufferSize = 16 * 1024;
        client.Socket.Blocking = false;
        long sent = 0;
        var chunk = new byte[64 * 1024];
        var stuckAt = Stopwatch.GetTimestamp();
        // Full when nothing more is taken for a while.
        while (Stopwatch.GetElapsedTime(stuckAt) < TimeSpan.FromMilliseconds(300))
        {
            var count = client.Socket.Send(chunk, SocketFlags.None, out var error);
            if (error == SocketError.Success)
            {
                sent += count;
                stuckAt = Stopwatch.GetTimestamp();
            }
            else if (error != SocketError.WouldBlock)
            {
                break;
            }
            else
            {
                await Task.Delay(5);
            }
        }

        Assert.InRange(sent, 1, 32 * 1024 * 1024);
        Assert.Equal(0, MetricsOf(host).ReceivedBytes);
        // And still meets the idle timeout.
        await host.UntilDisconnectedAsync(client.LocalAddress, "idle timeout", "idle_timeout");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(1000)]
    public async Task One_bit_of_each_block_comes_back_wrong(int every)
    {
        await using var host = await StartHostAsync($"{Faults}CorruptEvery={every}");
        using var client = await host.ConnectAsync();
        var sent = new SeededBytes(1).Take(10_000);
        foreach (var part in sent.Chunk(777))
        {
            await client.SendAsync(part);
        }

        var received = await client.ReceiveAsync(sent.Length);
        for (var i = 0; i < sent.Length; i++)
        {
            Assert.Equal((i + 1) % every == 0 ? 1 : 0, int.PopCount(sent[i] ^ received[i]));
        }
    }

    [Fact]
    public async Task Faults_go_together()
    {
        await using var host = await StartHostAsync(
            $"{Faults}Delay=100ms", $"{Faults}SliceBytes=9", $"{Faults}BytesPerSecond=5000", $"{Faults}CorruptEvery=100", $"{Faults}CloseAfterBytes=250",
            $"{Faults}ResetAfterBytes=300", $"{Faults}ResetAfter=1h");
        using var client = await host.ConnectAsync();
        var start = Stopwatch.GetTimestamp();
        await client.SendAsync(new string('x', 400));
        var received = await client.ReceiveToEndAsync();
        Assert.Equal(250, received.Length);
        Assert.Equal([99, 199], Enumerable.Range(0, 250).Where(i => received[i] != 'x'));
        Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(100));
        var connection = host.Log.Lines.Single(line => line.Contains(" gets faults: ", StringComparison.Ordinal));
        Assert.Equal(
            $"Peer {client.LocalAddress} gets faults: delay 100ms, 5000 bytes a second, slices of 9 bytes, close after 250 bytes, reset after 300 bytes, "
                + "reset after 1h, a wrong bit in each 100 bytes",
            connection);
    }

    [Fact]
    public async Task Lines_about_faults_are_rationed()
    {
        var time = new FakeTimeProvider();
        await using var host = await StartHostAsync(time, $"{Faults}CorruptEvery=1000", "Echo:MessageLogLimit=3");
        for (var i = 0; i < 10; i++)
        {
            using var client = await host.ConnectAsync();
            await client.EchoAsync("x");
        }

        Assert.Equal(3, host.Log.Lines.Count(line => line.EndsWith(" gets faults: a wrong bit in each 1000 bytes", StringComparison.Ordinal)));
        time.Advance(TimeSpan.FromSeconds(1));
        await host.UntilLoggedAsync(entry => entry.Text == "7 more peers got faults but were not logged (limit 3 a second)", "the others are counted");
    }

    [Fact]
    public async Task Only_the_networks_named_are_concerned()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs the whole of 127.0.0.0/8");
        await using var host = await StartHostAsync($"{Faults}CloseAfterBytes=0", $"{Faults}Networks:0=127.0.0.9");
        using var other = await host.ConnectAsync();
        await other.EchoAsync("untouched");
        using var client = await EchoClient.ConnectAsync(host.Tcp, from: IPAddress.Parse("127.0.0.9"));
        Assert.Empty(await client.ReceiveToEndAsync());
    }

    [Fact]
    public async Task Over_TLS_too()
    {
        using var certificate = new TestCertificate();
        await using var host = await StartHostAsync([
            .. certificate.Settings, "Echo:Endpoints:Tls:Faults:CloseAfterBytes=5", "Echo:Endpoints:Tls:Faults:Delay=50ms"]);
        await using var client = await TlsClient.ConnectAsync(host);
        await client.WriteAsync("Hello, world"u8.ToArray());
        using var all = new MemoryStream();
        await client.CopyToAsync(all).WaitAsync(Wait.Limit);
        Assert.Equal("Hello", Encoding.ASCII.GetString(all.ToArray()));
    }

    [Fact]
    public async Task Over_a_Unix_socket_too()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("echohost-faults").FullName, "echo.sock");
        await using var host = await StartHostAsync($"Echo:Endpoints:Local:Url=unix:{path}", "Echo:Endpoints:Local:Faults:CloseAfterBytes=5");
        using var client = await host.ConnectAsync("Local");
        await client.SendAsync("Hello, world");
        Assert.Equal("Hello", Encoding.ASCII.GetString(await client.ReceiveToEndAsync()));
    }

    [Fact]
    public async Task A_Who_endpoint_has_them_too()
    {
        await using var host = await StartHostAsync("Echo:Endpoints:Tcp:Service=Who", $"{Faults}Delay=100ms", $"{Faults}CloseAfterBytes=10");
        var start = Stopwatch.GetTimestamp();
        using var client = await host.ConnectAsync();
        Assert.Equal("{\"instance", Encoding.ASCII.GetString(await client.ReceiveToEndAsync()) + "");
        Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(100));
    }

    /// <summary>What waits for its time leaves at once when the host closes the connection for another reason.</summary>
    [Fact]
    public async Task A_drain_does_not_wait_for_a_delay()
    {
        await using var host = await StartHostAsync($"{Faults}Delay=1h", "Echo:Shutdown:CloseSpread=00:00:00");
        using var client = await host.ConnectAsync();
        await client.SendAsync("late");
        await Wait.UntilAsync(() => MetricsOf(host).Messages == 1, "the message is read");
        var stop = host.BeginStop();
        Assert.Equal("late", Encoding.ASCII.GetString(await client.ReceiveToEndAsync()));
        client.Dispose();
        await stop.WaitAsync(Wait.Limit);
    }

    [Theory]
    [InlineData("Silent=true")]
    [InlineData("Stalled=true")]
    [InlineData("BytesPerSecond=1")]
    public async Task A_drain_ends_every_fault(string fault)
    {
        await using var host = await StartHostAsync($"{Faults}{fault}", "Echo:Shutdown:CloseSpread=00:00:00", "Echo:Shutdown:GracePeriod=00:00:20");
        using var client = await host.ConnectAsync();
        await client.SendAsync("Hello, world");
        await Wait.UntilAsync(() => MetricsOf(host).Active == 1, "it is connected");
        var stop = host.BeginStop();
        try
        {
            await client.ReceiveToEndAsync();
        }
        catch (SocketException e) when (EchoClient.IsReset(e))
        {
            // What a stalled endpoint did not read makes the close a reset.
        }

        client.Dispose();
        await stop.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task Memory_is_bounded_where_the_echo_is_slow()
    {
        await using var host = await StartHostAsync($"{Faults}Delay=1h");
        using var client = await host.ConnectAsync();
        client.Socket.Blocking = false;
        var chunk = new byte[64 * 1024];
        long before;
        do
        {
            before = MetricsOf(host).ReceivedBytes;
            var until = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(until) < TimeSpan.FromMilliseconds(200))
            {
                client.Socket.Send(chunk, SocketFlags.None, out var error);
                if (error != SocketError.Success)
                {
                    await Task.Delay(5);
                }
            }
        }
        while (before == 0 || MetricsOf(host).ReceivedBytes > before);
        // What is held, and one read more.
        Assert.InRange(before, 1, 3 * 1024 * 1024);
    }

    [Fact]
    public async Task The_host_tells_what_it_does()
    {
        await using var host = await StartHostAsync($"{Faults}Delay=1ms", $"{Faults}Share=1");
        await host.UntilReadyAsync();
        await host.UntilLoggedAsync(e => e.Level == LogLevel.Warning && e.Text == "Endpoint Tcp misbehaves on purpose: delay 1ms", "it is warned");
        using var client = await host.ConnectAsync();
        await client.EchoAsync("hello");
        Assert.Equal("[\"delay\"]", (await host.ConnectionAsync()).GetProperty("faults").GetRawText());
        await host.UntilMetricsContainAsync("echohost_faults_total{endpoint=\"Tcp\",fault=\"delay\"} 1\n", "it is counted");
        await host.UntilMetricsContainAsync("echohost_faults_total{endpoint=\"Tcp\",fault=\"silent\"} 0\n", "the others are there");
    }

    [Fact]
    public async Task The_warning_comes_again_each_hour()
    {
        var time = new FakeTimeProvider();
        await using var host = await StartHostAsync(time, $"{Faults}Delay=1ms");
        for (var warnings = 1; warnings <= 3; warnings++)
        {
            await Wait.UntilAsync(
                () => host.Log.Lines.Count(line => line.StartsWith("Endpoint Tcp misbehaves", StringComparison.Ordinal)) == warnings, "it is warned");
            time.Advance(TimeSpan.FromHours(1));
        }
    }

    [Theory]
    [InlineData("Stalled=true")]
    [InlineData("Silent=true")]
    [InlineData("ResetAfter=0s")]
    public async Task Readiness_is_not_concerned(string fault)
    {
        await using var host = await StartHostAsync($"{Faults}{fault}");
        await host.UntilReadyAsync();
    }

    private static EndpointMetrics MetricsOf(EchoHostFixture host) => host.Services.GetRequiredService<EchoMetrics>().For("Tcp");

    private static async Task ExpectResetAsync(EchoClient client)
    {
        var failure = await Assert.ThrowsAsync<SocketException>(() => client.ReceiveToEndAsync());
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
    }

    /// <summary>The number of segments with data that the kernel received: <c>tcpi_data_segs_in</c> (linux/tcp.h).</summary>
    private static int SegmentsReceived(Socket socket)
    {
        const int tcp = 6;
        const int tcpInfo = 11;
        const int dataSegsIn = 152;
        var info = new byte[256];
        socket.GetRawSocketOption(tcp, tcpInfo, info);
        return BitConverter.ToInt32(info, dataSegsIn);
    }
}

public sealed class FaultTestsOnEpoll() : FaultTests(Epoll);

public sealed class FaultTestsOnSockets() : FaultTests(Sockets);
