using EchoHost.Connections.Tracking;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EchoHost.Tests.Connections.Tracking;

public sealed class TrackingTests
{
    /// <summary>A log that fails, for example because of a full disk, must not leave an entry in the registry.</summary>
    [Theory]
    [InlineData(" connecting")]
    [InlineData(" disconnected")]
    public async Task A_connection_whose_line_cannot_be_written_leaves_nothing_behind(string line)
    {
        await using var host = await EchoHostFixture.StartAsync();
        host.Services.GetRequiredService<ILoggerFactory>().AddProvider(new BrokenLog(line));
        using (var client = await host.ConnectAsync())
        {
            client.HalfClose();
            await client.ReceiveEndAsync();
        }

        await host.UntilMetricsContainAsync("echohost_connections_accepted_total{endpoint=\"Tcp\"} 1\n", "the connection is counted");
        await Wait.UntilAsync(() => host.Services.GetRequiredService<ConnectionRegistry>().Count == 0, "the connection is forgotten");
        Assert.Contains("echohost_connections_active{endpoint=\"Tcp\"} 0\n", await host.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_of_connections_are_rationed_each_kind_apart()
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:MessageLogLimit=3");
        const int connections = 30;
        for (var i = 0; i < connections; i++)
        {
            using var client = await host.ConnectAsync();
            await client.EchoAsync("x");
            client.Reset();
        }

        int Logged(string part) => host.Log.Lines.Count(l => l.StartsWith("Peer ", StringComparison.Ordinal) && l.EndsWith(part, StringComparison.Ordinal));
        int Errors() => host.Log.Lines.Count(l => l.EndsWith(": connection reset by peer", StringComparison.Ordinal));
        int LeftOut(string kind) =>
            host.Log.Entries.Where(e => e.Text.Contains($" more {kind}", StringComparison.Ordinal)).Sum(e => (int)e.Properties["LeftOut"]!);
        await Wait.UntilAsync(
            () => Logged(" connecting") + LeftOut("peers connected but were not logged (limit 3 a second)") >= connections,
            "every beginning is logged or counted");
        await Wait.UntilAsync(
            () => Logged(" disconnected") + LeftOut("peers disconnected but were not logged (limit 3 a second)") >= connections,
            "every end is logged or counted");
        await Wait.UntilAsync(
            () => Errors() + LeftOut("errors with peers were not logged (limit 3 a second)") >= connections,
            "every error is logged or counted");
        Assert.True(LeftOut("peers connected") + LeftOut("peers disconnected") > 0 || Logged(" connecting") == connections);
    }

    private sealed class BrokenLog(string line) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).EndsWith(line, StringComparison.Ordinal))
            {
                throw new IOException("no space left on device");
            }
        }

        public void Dispose()
        {
        }
    }
}
