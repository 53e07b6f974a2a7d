using System.Diagnostics;
using System.Net.Sockets;
using EchoHost.Connections.Tracking;
using EchoHost.Tests.Infrastructure;
using Kestrel.Epoll;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Transport;

/// <summary>
/// Whatever clients do, each gets its own bytes back, and at the end nothing leaks. The collection runs alone, because it
/// counts the process's descriptors.
/// </summary>
[Collection(nameof(AloneTests))]
public abstract class TransportTortureTests(string transport, ITestOutputHelper output) : TransportTests(transport)
{
    [Fact]
    public async Task Every_byte_comes_back_and_nothing_is_left_behind()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "counts descriptors in /proc");
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        // The first run opens what is opened once and kept.
        await RunAsync(seed, connections: 20);
        var before = Descriptors();
        var clock = Stopwatch.StartNew();
        await RunAsync(seed, connections: TestScale.Of(3000, 60_000));
        await Wait.UntilAsync(() => Descriptors() <= before, $"seed {seed}: no descriptor is lost ({before} before)");
        output.WriteLine($"{clock.Elapsed.TotalSeconds:0.0} s, {before} descriptors before, {Descriptors()} after");
    }

    private async Task RunAsync(int seed, int connections)
    {
        const int workers = 24;
        await using var host = await StartHostAsync("Echo:LogMessages=false");
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < connections;)
            {
                try
                {
                    await TryAsync(host, new Random(HashCode.Combine(seed, i)), new SeededBytes((ulong)((seed * 100_000L) + i)));
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"seed {seed}, connection {i} of {connections}: {e.Message}", e);
                }
            }
        })));
        await Wait.UntilAsync(() => host.Services.GetRequiredService<ConnectionRegistry>().Count == 0, $"seed {seed}: nothing is left in the registry");
        await host.UntilMetricsContainAsync("echohost_connections_active{endpoint=\"Tcp\"} 0\n", $"seed {seed}: none counts as active");
        await Wait.UntilAsync(() => host.Services.GetRequiredService<EpollTransport>().BlocksInUse == 0, $"seed {seed}: nothing holds memory of the transport");
        Assert.Empty(host.Problems(Microsoft.Extensions.Logging.LogLevel.Error));
    }

    private static async Task TryAsync(EchoHostFixture host, Random random, SeededBytes payload)
    {
        var total = random.Next(3) == 0 ? random.Next(1, 300 * 1024) : random.Next(1, 5000);
        using var client = await EchoClient.ConnectAsync(host.Tcp, random.Next(4) == 0 ? 4096 : null);
        switch (random.Next(10))
        {
            case 0:
                // Sends, reads nothing, and closes with bytes still on their way.
                await SendAsync(total);
                return;
            case 1:
                await SendAsync(total);
                client.Reset();
                return;
            case 2:
                // Resets in the middle of sending.
                var pause = random.Next(5);
                var sending = SendAsync(total);
                await Task.Delay(pause, CancellationToken.None);
                client.Reset();
                await Assert.ThrowsAnyAsync<Exception>(async () =>
                {
                    await sending;
                    throw new OperationCanceledException("sent in time");
                });
                return;
            case 3:
                // Reads a part of its echo.
                var all = SendAsync(total);
                payload.AssertSame(await client.ReceiveAsync(total / 2), 0);
                await all;
                client.Reset();
                return;
            case 4:
                return;
            case 5:
                // One message at a time.
                for (var i = 0; i < 10; i++)
                {
                    var message = payload.Take(random.Next(1, 2000), i);
                    await client.SendAsync(message);
                    payload.AssertSame(await client.ReceiveAsync(message.Length), i);
                }

                break;
            default:
                var receiving = ReceiveAsync();
                await SendAsync(total);
                client.HalfClose();
                Assert.Equal(total, await receiving);
                return;
        }

        client.HalfClose();
        Assert.Empty(await client.ReceiveToEndAsync());

        async Task SendAsync(int count)
        {
            for (var at = 0; at < count;)
            {
                var piece = Math.Min(random.Next(3) == 0 ? random.Next(1, 100_000) : random.Next(1, 5000), count - at);
                await client.SendAsync(payload.Take(piece, at));
                at += piece;
                await PauseAsync();
            }
        }

        Task PauseAsync() => random.Next(50) == 0 ? Task.Delay(random.Next(5), CancellationToken.None) : Task.CompletedTask;

        async Task<long> ReceiveAsync()
        {
            using var limit = new CancellationTokenSource(Wait.Limit);
            var buffer = new byte[20_000];
            for (long at = 0; ;)
            {
                var read = await client.Socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None, limit.Token);
                if (read == 0)
                {
                    return at;
                }

                payload.AssertSame(buffer.AsSpan(0, read), at);
                at += read;
            }
        }
    }

    private static int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
}

public sealed class TransportTortureTestsOnEpoll(ITestOutputHelper output) : TransportTortureTests(TransportTests.Epoll, output);

public sealed class TransportTortureTestsOnSockets(ITestOutputHelper output) : TransportTortureTests(TransportTests.Sockets, output);

/// <summary>Tests that must not run in parallel with others.</summary>
[CollectionDefinition(nameof(AloneTests), DisableParallelization = true)]
public sealed class AloneTests;
