using EchoHost.Connections.Admission;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Tests.Connections.Admission;

/// <summary>The middleware over pairs of pipes, without a host.</summary>
public sealed class AdmissionMiddlewareTests : IDisposable
{
    private readonly PipeHost _host = new(maxConnections: 1);
    private readonly HeldChain _rest = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task A_place_is_free_again_when_the_connection_ends()
    {
        await Middleware(_ => Task.CompletedTask).OnConnectionAsync(PipeHost.From("192.0.2.1"));
        await Assert.ThrowsAsync<ConnectionResetException>(() =>
            Middleware(_ => throw new ConnectionResetException("reset")).OnConnectionAsync(PipeHost.From("192.0.2.1")));
        var third = PipeHost.From("192.0.2.1");
        var running = Middleware(_rest.Next).OnConnectionAsync(third);
        Assert.Equal(1, _rest.Entered);
        _rest.Release();
        await running.WaitAsync(Wait.Limit);
        Assert.Null(third.AbortReason);
        Assert.Equal(0, _host.Metrics.RejectedFor(RejectReason.Limit));
    }

    [Fact]
    public async Task One_too_many_is_rejected_counted_and_logged()
    {
        var middleware = Middleware(_rest.Next);
        var first = middleware.OnConnectionAsync(PipeHost.From("192.0.2.1"));
        var second = PipeHost.From("192.0.2.2");
        await middleware.OnConnectionAsync(second).WaitAsync(Wait.Limit);
        Assert.Equal("the limit of 1 connections is reached", second.AbortReason);
        Assert.Equal(1, _rest.Entered);
        Assert.Equal(1, _host.Metrics.RejectedFor(RejectReason.Limit));
        Assert.Equal("Peer 192.0.2.2:5000 turned away: the limit of 1 connections is reached", Assert.Single(_host.Log.Lines));
        _rest.Release();
        await first.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task While_the_host_drains_clients_are_rejected()
    {
        _host.Drain.BeginDraining();
        var early = Middleware(_rest.Next).OnConnectionAsync(PipeHost.From("192.0.2.1"));
        Assert.Equal(1, _rest.Entered);
        _rest.Release();
        await early.WaitAsync(Wait.Limit);

        _host.Drain.BeginRejecting();
        var late = PipeHost.From("192.0.2.1");
        await Middleware(_rest.Next).OnConnectionAsync(late).WaitAsync(Wait.Limit);
        Assert.Equal("draining", late.AbortReason);
        Assert.Equal(1, _host.Metrics.RejectedFor(RejectReason.Draining));
    }

    [Fact]
    public async Task A_flood_is_one_line_a_second()
    {
        _host.Drain.BeginRejecting();
        var middleware = Middleware(_rest.Next);
        await middleware.OnConnectionAsync(PipeHost.From("192.0.2.1"));
        await middleware.OnConnectionAsync(PipeHost.From("192.0.2.2"));
        await middleware.OnConnectionAsync(PipeHost.From("192.0.2.3"));
        _host.Time.Advance(TimeSpan.FromSeconds(1));
        await middleware.OnConnectionAsync(PipeHost.From("192.0.2.4"));
        Assert.Equal(
            ["Peer 192.0.2.1:5000 turned away: draining", "Peer 192.0.2.4:5000 turned away: draining (and 2 more since the last such line)"],
            _host.Log.Lines);
        Assert.Equal(4, _host.Metrics.RejectedFor(RejectReason.Draining));
    }

    private AdmissionMiddleware Middleware(ConnectionDelegate next) => _host.Create<AdmissionMiddleware>(next, _host.Metrics);
}
