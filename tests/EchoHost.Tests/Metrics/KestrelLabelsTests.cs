using System.Globalization;
using System.Net;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Metrics;

public abstract class KestrelLabelsTests(string transport) : TransportTests(transport)
{
    [Fact]
    public async Task No_series_comes_with_the_address_that_a_client_chose()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs the whole of 127.0.0.0/8");
        await using var host = await StartHostAsync("Echo:Endpoints:Tcp:Url=tcp://*:0", "Echo:LogMessages=false");
        var port = ((IPEndPoint)host.Tcp).Port;
        async Task EchoAtAsync(int number)
        {
            using var client = await EchoClient.ConnectAsync(new IPEndPoint(new IPAddress([127, 1, (byte)(number >> 8), (byte)number]), port));
            await client.EchoAsync("x");
            client.HalfClose();
            await client.ReceiveToEndAsync();
        }

        bool IsOfPort(string line) => line.Contains($"server_port=\"{port}\"", StringComparison.Ordinal);

        // The series after connections have ended. Kestrel counts them a moment later, along with the host's own first probe, which
        // may fail on a machine that pauses, and then has a series of its own.
        async Task<string[]> SeriesAsync(int connections)
        {
            string text = "";
            await Wait.UntilAsync(
                async () =>
                {
                    text = await host.MetricsAsync();
                    return text.Split('\n')
                        .Where(l => l.StartsWith("kestrel_connection_duration_seconds_count", StringComparison.Ordinal) && IsOfPort(l))
                        .Sum(l => int.Parse(l[l.LastIndexOf(' ')..], CultureInfo.InvariantCulture)) == connections + 1;
                },
                $"Kestrel has counted {connections} connections");
            return [.. text.Split('\n').Where(l => l.StartsWith("kestrel_", StringComparison.Ordinal)).Select(l => l[..l.LastIndexOf(' ')])];
        }

        await EchoAtAsync(1);
        var before = await SeriesAsync(1);
        var clients = TestScale.Of(100, 2000);
        for (var i = 2; i <= clients; i++)
        {
            await EchoAtAsync(i);
        }

        var after = await SeriesAsync(clients);
        Assert.Contains(before, IsOfPort);
        Assert.Equal(before.Where(IsOfPort), after.Where(IsOfPort));
        Assert.DoesNotContain(after, line => line.Contains("127.", StringComparison.Ordinal));
    }
}

public sealed class KestrelLabelsTestsOnEpoll() : KestrelLabelsTests(TransportTests.Epoll);

public sealed class KestrelLabelsTestsOnSockets() : KestrelLabelsTests(TransportTests.Sockets);
