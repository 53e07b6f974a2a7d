using EchoHost.Connections.Tracking;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Tests.Connections.Tracking;

/// <summary>The middleware over pairs of pipes, without a host.</summary>
public sealed class TrackingMiddlewareTests : IDisposable
{
    private readonly PipeHost _host = new(quietNetwork: "192.0.2.99");

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task A_connection_is_seen_from_its_first_moment_to_its_last_byte()
    {
        var client = PipeHost.From("192.0.2.1");
        var stay = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = RunAsync(client, async connection =>
        {
            await stay.Task;
            await connection.Transport.Output.WriteAsync("last"u8.ToArray());
        });
        var tracked = Assert.Single(_host.Registry.All());
        Assert.Equal(("Tcp", "192.0.2.1:5000"), (tracked.Endpoint, tracked.Client));
        Assert.Same(tracked, client.Features.Get<TrackedConnection>());
        Assert.Equal((1, 1), (_host.Metrics.Active, _host.Metrics.Accepted));
        Assert.Equal(["Peer 192.0.2.1:5000 connecting"], _host.Log.Lines);

        stay.SetResult();
        var received = await client.ClientInput.ReadAtLeastAsync(4).AsTask().WaitAsync(Wait.Limit);
        Assert.Equal(4, received.Buffer.Length);
        Assert.False(running.IsCompleted, "the client has not taken the last bytes");
        Assert.Equal(1, _host.Registry.Count);

        client.ClientInput.AdvanceTo(received.Buffer.End);
        await client.ClientInput.CompleteAsync();
        await running.WaitAsync(Wait.Limit);
        Assert.Equal((0, 0L, 1L), (_host.Registry.Count, _host.Metrics.Active, _host.Metrics.Empty));
        Assert.Equal(["Peer 192.0.2.1:5000 connecting", "Peer 192.0.2.1:5000 disconnected"], _host.Log.Lines);
    }

    [Theory]
    [InlineData(true, "Error with peer 192.0.2.1:5000: connection reset by peer")]
    [InlineData(false, "Error with peer 192.0.2.1:5000: it broke")]
    public async Task A_failure_is_logged_and_goes_no_further(bool isReset, string line)
    {
        var client = PipeHost.From("192.0.2.1");
        var running = RunAsync(client, _ => throw (isReset ? new ConnectionResetException("reset") : new IOException("it broke")));
        await client.ReceiveToEndAsync();
        await running.WaitAsync(Wait.Limit);
        Assert.Equal(["Peer 192.0.2.1:5000 connecting", line, "Peer 192.0.2.1:5000 disconnected"], _host.Log.Lines.Select(Reason));
        Assert.Equal(0, _host.Registry.Count);

        // After an error in the host's own code, the line has the reason.
        static string Reason(string text) =>
            text.StartsWith("Peer 192.0.2.1:5000 disconnected", StringComparison.Ordinal) ? "Peer 192.0.2.1:5000 disconnected" : text;
    }

    [Fact]
    public async Task A_silent_connection_from_a_quiet_network_is_not_logged()
    {
        var check = PipeHost.From("192.0.2.99");
        var running = RunAsync(check, _ => Task.CompletedTask);
        await check.ReceiveToEndAsync();
        await running.WaitAsync(Wait.Limit);
        Assert.Empty(_host.Log.Lines);
        Assert.Equal(1, _host.Metrics.Empty);
    }

    [Fact]
    public async Task One_that_sends_something_is_logged_from_its_beginning()
    {
        var client = PipeHost.From("192.0.2.99");
        var running = RunAsync(client, connection =>
        {
            connection.Features.Get<TrackedConnection>()!.Received(3, _host.Time.GetTimestamp());
            return Task.CompletedTask;
        });
        await client.ReceiveToEndAsync();
        await running.WaitAsync(Wait.Limit);
        Assert.Equal(["Peer 192.0.2.99:5000 connecting", "Peer 192.0.2.99:5000 disconnected"], _host.Log.Lines);
    }

    [Fact]
    public async Task One_that_comes_after_the_drain_is_asked_to_close()
    {
        _host.Drain.End();
        var client = PipeHost.From("192.0.2.1");
        CloseReason? reason = null;
        var running = RunAsync(client, connection =>
        {
            reason = connection.Features.Get<TrackedConnection>()!.CloseReason;
            return Task.CompletedTask;
        });
        await client.ReceiveToEndAsync();
        await running.WaitAsync(Wait.Limit);
        Assert.Equal(CloseReason.Drained, reason);
    }

    private Task RunAsync(PipeConnection client, ConnectionDelegate next) => _host.Create<TrackingMiddleware>(next, _host.Metrics).OnConnectionAsync(client);
}
