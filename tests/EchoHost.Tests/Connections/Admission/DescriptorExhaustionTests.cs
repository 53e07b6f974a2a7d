using System.Diagnostics;
using System.Globalization;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Connections.Admission;

/// <summary>The program, with its descriptor limit lowered from outside to what it uses.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public abstract class DescriptorExhaustionTests(string transport, ITestOutputHelper output) : TransportTests(transport)
{
    private const string Errors = "echohost_accept_errors_total{endpoint=\"Tcp\",reason=\"fd_limit\"} ";

    [Fact]
    public async Task Without_descriptors_callers_are_turned_away_the_others_go_on_and_then_all_is_well()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs prlimit and /proc");
        Tool.Need("prlimit");
        // Unlike a native file, the runtime needs a pipe to start a thread, and may end the process where it gets none. A host keeps
        // descriptors free for that, which are taken from it here.
        const int attempts = 5;
        var mayEnd = !TestProgram.IsGiven;
        for (var attempt = 1; !await IsWellAsync(mayEnd && attempt < attempts); attempt++)
        {
            output.WriteLine("the runtime got no descriptors to start a thread");
        }
    }

    /// <summary>Exhausts the descriptors of a host; false if <paramref name="mayEnd"/> and its runtime ended it for that.</summary>
    private async Task<bool> IsWellAsync(bool mayEnd)
    {
        using var host = await StartProcessAsync("--Echo:LogMessages=false");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = 1 })
        {
            BaseAddress = host.HttpUrl,
            Timeout = Wait.Limit,
        };
        var inside = new List<EchoClient>();
        try
        {
            await WarmAsync(host, http);
            inside.Add(await EchoClient.ConnectAsync(host.Tcp));
            await inside[0].EchoAsync("early");
            var last = Directory.EnumerateFileSystemEntries($"/proc/{host.Id}/fd")
                .Max(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture));
            LimitDescriptors(host, last + 4);
            await FillAsync(host, inside);

            // No client hangs.
            for (var i = 0; i < 20; i++)
            {
                await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
            }

            await Task.WhenAll(inside.Select(client => client.EchoAsync("still here")));
            Assert.InRange(await ErrorsAsync(http), 1, long.MaxValue);
            static bool IsFailure(string line) => line.Contains("Endpoint Tcp can't accept connections: ", StringComparison.Ordinal);
            await Wait.UntilAsync(() => host.Output.Any(IsFailure), "the failure is logged");
            Assert.Single(host.Output, IsFailure);

            var (turnedAway, cores) = await RetryAsync(host, callers: 50, TimeSpan.FromSeconds(2));
            output.WriteLine($"{turnedAway} callers turned away, {cores:P0} of a core");
            Assert.InRange(cores, 0, 0.6);
            await Task.WhenAll(inside.Select(client => client.EchoAsync("and still")));
            Assert.Single(host.Output, l => l.Contains("Endpoint Tcp can't accept connections: ", StringComparison.Ordinal));

            LimitDescriptors(host, 4096);
            // The first ones may still find only the reserve.
            EchoClient? next = null;
            await Wait.UntilAsync(async () => (next = await EchoClient.TryEnterAsync(host.Tcp, "in again")) is not null, "there is room again");
            inside.Add(next!);
            await Wait.UntilAsync(
                () => host.Output.Any(l => l.Contains("Endpoint Tcp accepts connections again", StringComparison.Ordinal)),
                "the host says so");
            await Task.WhenAll(inside.Select(client => client.EchoAsync("to the end")));
            return true;
        }
        catch (Exception) when (mayEnd)
        {
            var exit = host.WaitForExitAsync();
            if (await Task.WhenAny(exit, Task.Delay(TimeSpan.FromSeconds(5))) != exit || !host.Errors.Contains("Out of memory."))
            {
                throw;
            }

            return false;
        }
        finally
        {
            inside.ForEach(c => c.Dispose());
            output.WriteLine(string.Join('\n', host.Output.Concat(host.Errors).TakeLast(20)));
        }
    }

    /// <summary>Loads everything that is loaded on first use: connections that end in every way, and the metrics.</summary>
    private static async Task WarmAsync(EchoHostProcess host, HttpClient http)
    {
        for (var i = 0; i < 5; i++)
        {
            using var client = await EchoClient.ConnectAsync(host.Tcp);
            await client.EchoAsync("warm");
            var reset = await EchoClient.ConnectAsync(host.Tcp);
            await reset.EchoAsync("warm");
            reset.Reset();
        }

        await http.GetStringAsync("/connections");
        Assert.Equal(0, await ErrorsAsync(http));
        await Wait.UntilAsync(() => host.Output.Count(l => l.EndsWith(" disconnected", StringComparison.Ordinal)) == 10, "all are gone");
    }

    private static async Task FillAsync(EchoHostProcess host, List<EchoClient> inside)
    {
        while (await EchoClient.TryEnterAsync(host.Tcp, "filled") is { } client)
        {
            inside.Add(client);
        }
    }

    /// <summary>Returns how many clients were rejected, and how many cores the host used meanwhile.</summary>
    private static async Task<(int TurnedAway, double Cores)> RetryAsync(EchoHostProcess host, int callers, TimeSpan time)
    {
        using var process = Process.GetProcessById(host.Id);
        var used = process.TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        var turnedAway = 0;
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            while (clock.Elapsed < time)
            {
                await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
                Interlocked.Increment(ref turnedAway);
                await Task.Delay(10, CancellationToken.None);
            }
        })));
        process.Refresh();
        return (turnedAway, (process.TotalProcessorTime - used) / clock.Elapsed);
    }

    private static async Task<long> ErrorsAsync(HttpClient http)
    {
        var metrics = await http.GetStringAsync("/metrics");
        var line = metrics.Split('\n').Single(l => l.StartsWith(Errors, StringComparison.Ordinal));
        return long.Parse(line[Errors.Length..], CultureInfo.InvariantCulture);
    }

    private static void LimitDescriptors(EchoHostProcess host, int limit)
    {
        using var prlimit = Process.Start(Tool.Need("prlimit"), ["--pid", $"{host.Id}", $"--nofile={limit}:"]);
        Assert.True(prlimit.WaitForExit(Wait.Limit));
        Assert.Equal(0, prlimit.ExitCode);
    }
}

public sealed class DescriptorExhaustionTestsOnEpoll(ITestOutputHelper output) : DescriptorExhaustionTests(TransportTests.Epoll, output);

public sealed class DescriptorExhaustionTestsOnSockets(ITestOutputHelper output) : DescriptorExhaustionTests(TransportTests.Sockets, output);
