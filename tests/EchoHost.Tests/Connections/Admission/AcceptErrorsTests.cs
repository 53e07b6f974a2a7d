using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Connections.Admission;

public abstract class AcceptErrorsTests(string transport) : TransportTests(transport)
{
    [Fact]
    public async Task A_listener_that_fails_is_counted_said_once_and_rested_on()
    {
        await using var host = await StartHostAsync();
        host.KillListener();
        Task<long> ErrorsAsync() => host.CounterAsync("echohost_accept_errors_total{endpoint=\"Tcp\",reason=\"other\"}");
        await Wait.UntilAsync(async () => await ErrorsAsync() >= 3, "failures are counted");
        // The loop pauses; without pauses it would have failed a hundred thousand times by now.
        Assert.InRange(await ErrorsAsync(), 3, 1000);
        Assert.Single(host.Log.Lines, l => l.StartsWith("Endpoint Tcp can't accept connections: ", StringComparison.Ordinal));
    }
}

public sealed class AcceptErrorsTestsOnEpoll() : AcceptErrorsTests(TransportTests.Epoll);

public sealed class AcceptErrorsTestsOnSockets() : AcceptErrorsTests(TransportTests.Sockets);
