using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EchoHost.Descriptors;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Echo;

/// <summary>Echo over real sockets, comparing every byte.</summary>
public abstract class EchoTests(string transport) : TransportTests(transport)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_byte_comes_back_whatever_the_chunks(int seed)
    {
        await using var host = await StartHostAsync("Echo:LogMessages=false");
        using var client = await host.ConnectAsync();
        var random = new Random(seed);
        var sent = new byte[TestScale.Of(4, 64) * 1024 * 1024];
        random.NextBytes(sent);

        var receiving = client.ReceiveAsync(sent.Length);
        for (var at = 0; at < sent.Length;)
        {
            var chunk = Math.Min(
                random.Next(4) switch { 0 => 1, 1 => random.Next(1, 100), 2 => random.Next(1, 5000), _ => random.Next(1, 300_000) },
                sent.Length - at);
            await client.SendAsync(sent.AsMemory(at, chunk));
            at += chunk;
        }

        var received = await receiving;
        Bytes.AssertSame(sent, received);
        client.HalfClose();
        Assert.Empty(await client.ReceiveToEndAsync());
    }

    [Fact]
    public async Task After_the_peers_FIN_what_is_left_is_sent_and_then_the_hosts()
    {
        await using var host = await StartHostAsync("Echo:LogMessages=false");
        using var client = await host.ConnectAsync();
        var sent = new byte[3_000_000];
        new Random(7).NextBytes(sent);

        // The client reads only after it has closed its side, when many bytes are still on their way.
        var sending = client.SendAsync(sent);
        var first = await client.ReceiveAsync(1_000_000);
        var rest = client.ReceiveToEndAsync();
        await sending;
        client.HalfClose();
        byte[] received = [.. first, .. await rest];
        Bytes.AssertSame(sent, received);
    }

    [Fact]
    public async Task Urgent_data_comes_back_in_its_place()
    {
        await using var host = await StartHostAsync();
        using var client = await host.ConnectAsync();
        await client.SendAsync("ab");
        client.Socket.Send("!"u8, SocketFlags.OutOfBand);
        await client.SendAsync("cd");
        Assert.Equal("ab!cd", Encoding.ASCII.GetString(await client.ReceiveAsync(5)));
    }

    [Fact]
    public async Task A_FIN_without_a_byte_is_answered_by_a_FIN()
    {
        await using var host = await StartHostAsync();
        using var client = await host.ConnectAsync();
        client.HalfClose();
        Assert.Empty(await client.ReceiveToEndAsync());
    }

    [Fact]
    public async Task One_connections_reset_is_felt_by_no_other()
    {
        await using var host = await StartHostAsync();
        using var bystander = await host.ConnectAsync();
        await bystander.EchoAsync("before");
        for (var i = 0; i < 50; i++)
        {
            var client = await host.ConnectAsync();
            await client.EchoAsync("x");
            client.Reset();
        }

        await bystander.EchoAsync("after");
        await Wait.UntilAsync(() => host.Log.Lines.Count(l => l.EndsWith(" disconnected", StringComparison.Ordinal)) == 50, "all are gone");
        Assert.Equal(50, host.Log.Lines.Count(l => l.EndsWith(": connection reset by peer", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_reset_while_much_is_on_its_way_ends_the_connection_alone()
    {
        await using var host = await StartHostAsync("Echo:LogMessages=false");
        using var bystander = await host.ConnectAsync();
        var client = await host.ConnectAsync();
        await client.SendAsync(new byte[100_000]);
        await client.ReceiveAsync(10);
        client.Reset();
        await host.UntilLoggedAsync(e => e.Text.EndsWith(" disconnected", StringComparison.Ordinal), "the connection is gone");
        await bystander.EchoAsync("still here");
    }

    [Fact]
    [Trait(TestProgram.Trait, TestProgram.Category)]
    public async Task A_connection_that_does_not_read_holds_less_than_1_MiB_of_the_host()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        var connections = TestScale.Of(32, 64);
        using var host = await StartProcessAsync(["--Echo:LogMessages=false"]);
        using var bystander = await EchoClient.ConnectAsync(host.Tcp);
        await bystander.EchoAsync("warm");
        var before = ResidentBytes(host.Id);

        var greedy = new List<EchoClient>();
        try
        {
            for (var i = 0; i < connections; i++)
            {
                greedy.Add(await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096));
            }

            await Task.WhenAll(greedy.Select(client => SendUntilStuckAsync(client.Socket)));
            var each = (ResidentBytes(host.Id) - before) / connections;
            Assert.True(each < 1024 * 1024, $"each holds {each} bytes");
            await bystander.EchoAsync("served all the while");
        }
        finally
        {
            greedy.ForEach(c => c.Dispose());
        }
    }

    [Fact]
    public async Task A_star_serves_both_address_families()
    {
        await using var host = await StartHostAsync("Echo:Endpoints:Both:Url=tcp://*:0");
        var port = ((IPEndPoint)host.EndPoints["Both"]).Port;
        foreach (var address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
        {
            Assert.SkipUnless(address.AddressFamily == AddressFamily.InterNetwork || EchoHost.Transport.Loopback.HasIPv6, "no IPv6 here");
            using var client = await EchoClient.ConnectAsync(new IPEndPoint(address, port));
            await client.EchoAsync("hello");
        }

        Assert.Contains(host.Log.Lines, l => l.StartsWith("Peer 127.0.0.1:", StringComparison.Ordinal) && l.EndsWith(" connecting", StringComparison.Ordinal));
        Assert.Contains(host.Log.Lines, l => l.StartsWith("Peer [::1]:", StringComparison.Ordinal) && l.EndsWith(" connecting", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Many_short_connections_all_get_their_bytes()
    {
        const int workers = 8;
        var each = TestScale.Of(250, 1250);
        await using var host = await StartHostAsync("Echo:LogMessages=false");
        await Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < each; i++)
            {
                using var client = await host.ConnectAsync();
                await client.EchoAsync(string.Create(CultureInfo.InvariantCulture, $"worker {worker} message {i}"));
                client.HalfClose();
                Assert.Empty(await client.ReceiveToEndAsync());
            }
        })));
        await host.UntilMetricsContainAsync(
            $"echohost_connection_duration_seconds_count{{endpoint=\"Tcp\",reason=\"peer_closed\"}} {workers * each}\n",
            "every connection is counted");
    }

    [Fact]
    public async Task Thousands_are_served_at_once()
    {
        var connections = TestScale.Of(1000, 5000);
        // Both ends are in this process.
        Assert.SkipUnless(DescriptorLimit.Read() is not { } limit || limit > 2 * connections + 2000, "the descriptor limit is too low");
        await using var host = await StartHostAsync("Echo:LogMessages=false");
        var clients = new List<EchoClient>();
        try
        {
            for (var i = 0; i < connections; i++)
            {
                clients.Add(await host.ConnectAsync());
            }

            await Parallel.ForEachAsync(
                clients,
                new ParallelOptions { MaxDegreeOfParallelism = 16 },
                async (client, _) => await client.EchoAsync(client.LocalAddress));
            Assert.Contains($"\"active\":{connections}", await host.Http.GetStringAsync("/connections?limit=1"), StringComparison.Ordinal);
            await Parallel.ForEachAsync(clients, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (client, _) => await client.EchoAsync("again"));
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }

        await Wait.UntilAsync(
            async () => (await host.Http.GetStringAsync("/connections?limit=1")).Contains("\"active\":0,", StringComparison.Ordinal),
            "all are gone");
    }

    private static long ResidentBytes(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>Sends until neither the host nor the kernel takes any more, with no progress for a second.</summary>
    private static async Task SendUntilStuckAsync(Socket socket)
    {
        var chunk = Encoding.ASCII.GetBytes(new string('x', 64 * 1024));
        using var stuck = new CancellationTokenSource();
        try
        {
            while (true)
            {
                stuck.CancelAfter(TimeSpan.FromSeconds(1));
                await socket.SendAsync(chunk, SocketFlags.None, stuck.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Stuck, as expected.
        }
    }
}

public sealed class EchoTestsOnEpoll() : EchoTests(TransportTests.Epoll);

public sealed class EchoTestsOnSockets() : EchoTests(TransportTests.Sockets);
