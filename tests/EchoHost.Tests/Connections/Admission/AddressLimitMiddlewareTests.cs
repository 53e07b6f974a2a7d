using EchoHost.Connections.Admission;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Connections.Admission;

/// <summary>The middleware over pairs of pipes, without a host.</summary>
public sealed class AddressLimitMiddlewareTests : IDisposable
{
    private readonly PipeHost _host = new(maxPerAddress: 1);
    private readonly HeldChain _rest = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", "the limit of 1 connections from one address is reached")]
    [InlineData("192.0.2.1", "192.0.2.2", null)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", "the limit of 1 connections from one address is reached")]
    [InlineData("2001:db8::1", "2001:db8::ffff:1", "the limit of 1 connections from one IPv6 network of 64 bits is reached")]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", null)]
    public async Task Each_address_has_its_share(string first, string second, string? problem)
    {
        var middleware = Middleware(isUnix: false);
        var running = middleware.OnConnectionAsync(PipeHost.From(first));
        var next = PipeHost.From(second, port: 5001);
        var runningNext = middleware.OnConnectionAsync(next);
        Assert.Equal(problem, next.AbortReason);
        Assert.Equal(problem is null ? 0 : 1, _host.Metrics.RejectedFor(RejectReason.AddressLimit));
        _rest.Release();
        await Task.WhenAll(running, runningNext).WaitAsync(Wait.Limit);

        // The share is free again.
        var last = PipeHost.From(first);
        await middleware.OnConnectionAsync(last).WaitAsync(Wait.Limit);
        Assert.Null(last.AbortReason);
    }

    /// <summary>
    /// No current transport has TCP connections without an address; if one had, the limit would apply to them too.
    /// </summary>
    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 3)]
    public async Task Clients_without_an_address_share_one_limit_but_on_a_Unix_socket(bool isUnix, int inside)
    {
        var middleware = Middleware(isUnix);
        Task[] running = [.. Enumerable.Range(0, 3).Select(_ => middleware.OnConnectionAsync(new PipeConnection()))];
        Assert.Equal(inside, _rest.Entered);
        _rest.Release();
        await Task.WhenAll(running).WaitAsync(Wait.Limit);
    }

    private AddressLimitMiddleware Middleware(bool isUnix) => _host.Create<AddressLimitMiddleware>(_rest.Next, _host.Metrics, isUnix);
}
