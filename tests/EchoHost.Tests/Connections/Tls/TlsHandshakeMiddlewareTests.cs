using EchoHost.Connections.Tls;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Tests.Connections.Tls;

/// <summary>The middleware over pairs of pipes, without a host; the handshake itself is Kestrel's.</summary>
public sealed class TlsHandshakeMiddlewareTests : IDisposable
{
    private const string Peer = "Peer 192.0.2.1:5000 turned away: ";

    /// <summary>A whole record, with an empty message.</summary>
    private static readonly byte[] ClientHello = [22, 3, 1, 0, 4, 1, 0, 0, 0];

    private readonly PipeHost _host = new(quietNetwork: "192.0.2.99");
    private readonly PipeConnection _client = PipeHost.From("192.0.2.1");

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Once_it_is_done_it_counts_nothing_and_no_limit_is_left()
    {
        var seen = 0L;
        await _client.ClientOutput.WriteAsync(ClientHello);
        var stay = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = RunAsync(_client, async connection =>
        {
            seen = (await connection.Transport.Input.ReadAsync()).Buffer.Length;
            connection.Features.Get<TlsHandshake>()!.Done();
            await stay.Task;
        });
        await Wait.UntilAsync(() => seen > 0, "the chain goes on");
        _host.Time.Advance(TimeSpan.FromMinutes(1));
        _host.Drain.BeginRejecting();
        stay.SetResult();
        await running.WaitAsync(Wait.Limit);
        Assert.Equal(ClientHello.Length, seen);
        Assert.Null(_client.AbortReason);
        Assert.Empty(_host.Log.Lines);
    }

    [Fact]
    public async Task What_is_not_TLS_goes_no_further()
    {
        await _client.ClientOutput.WriteAsync("GET / HTTP/1.1\r\n"u8.ToArray());
        await AssertRejectedAsync("the client does not speak TLS");
    }

    [Fact]
    public async Task A_client_that_leaves_is_rejected()
    {
        await _client.ClientOutput.CompleteAsync();
        await AssertRejectedAsync("the client ended the connection before it");
    }

    [Fact]
    public async Task A_client_that_resets_is_rejected()
    {
        await _client.ClientOutput.CompleteAsync(new ConnectionResetException("reset"));
        await AssertRejectedAsync("the client reset the connection before it");
    }

    [Fact]
    public async Task A_handshake_that_fails_tells_what_is_known()
    {
        await _client.ClientOutput.WriteAsync(ClientHello);
        await RunAsync(_client, connection =>
        {
            connection.Features.Get<TlsHandshake>()!.Failed("the client showed no certificate");
            throw new IOException("as Kestrel ends it");
        }).WaitAsync(Wait.Limit);
        AssertRejected("the TLS handshake failed: the client showed no certificate");
    }

    [Fact]
    public async Task A_silent_client_has_as_long_as_the_limit()
    {
        var running = RunAsync(_client, _ => Task.CompletedTask);
        _host.Time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromMilliseconds(1));
        Assert.Null(_client.AbortReason);
        _host.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.NotNull(_client.AbortReason);
        await running.WaitAsync(Wait.Limit);
        AssertRejected("the TLS handshake failed: it took longer than 10 s");
    }

    [Fact]
    public async Task A_drain_ends_it()
    {
        var running = RunAsync(_client, _ => Task.CompletedTask);
        _host.Drain.BeginRejecting();
        await running.WaitAsync(Wait.Limit);
        Assert.NotNull(_client.AbortReason);
        Assert.Equal((1, 0), (_host.Metrics.RejectedFor(RejectReason.Draining), _host.Metrics.RejectedFor(RejectReason.Tls)));
        Assert.Equal($"{Peer}draining", Assert.Single(_host.Log.Lines));
    }

    [Fact]
    public async Task A_quiet_networks_check_is_counted_and_not_logged()
    {
        var check = PipeHost.From("192.0.2.99");
        await check.ClientOutput.CompleteAsync();
        await RunAsync(check, _ => Task.CompletedTask).WaitAsync(Wait.Limit);
        Assert.Equal(1, _host.Metrics.RejectedFor(RejectReason.Tls));
        Assert.Empty(_host.Log.Lines);
    }

    private async Task AssertRejectedAsync(string problem)
    {
        await RunAsync(_client, _ => throw new InvalidOperationException("it went on")).WaitAsync(Wait.Limit);
        AssertRejected($"the TLS handshake failed: {problem}");
    }

    private void AssertRejected(string why)
    {
        Assert.Equal(1, _host.Metrics.RejectedFor(RejectReason.Tls));
        Assert.Equal(Peer + why, Assert.Single(_host.Log.Lines));
    }

    private Task RunAsync(PipeConnection client, ConnectionDelegate next) =>
        _host.Create<TlsHandshakeMiddleware>(next, _host.Metrics).OnConnectionAsync(client);
}
