using System.Globalization;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Transport;

public abstract class AcceptErrorsTests(string transport) : TransportTests(transport)
{
    [Fact]
    public async Task A_listener_that_fails_is_counted_said_once_and_rested_on()
    {
        await using var host = await StartHostAsync();
        host.KillListener();
        double Errors(string metrics) => double.Parse(metrics.Split('\n').Single(l => l.StartsWith("echohost_accept_errors_total{endpoint=\"Tcp\",reason=\"other\"}", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);
        await Wait.UntilAsync(async () => Errors(await host.Http.GetStringAsync("/metrics")) >= 3, "failures are counted");
        // The loop pauses; without pauses it would have failed a hundred thousand times by now.
        Assert.InRange(Errors(await host.Http.GetStringAsync("/metrics")), 3, 1000);
        Assert.Single(host.Log.Lines, l => l.StartsWith("Endpoint Tcp can't accept connections: ", StringComparison.Ordinal));
    }
}

public sealed class AcceptErrorsTestsOnEpoll() : AcceptErrorsTests(TransportTests.Epoll);

public sealed class AcceptErrorsTestsOnSockets() : AcceptErrorsTests(TransportTests.Sockets);
