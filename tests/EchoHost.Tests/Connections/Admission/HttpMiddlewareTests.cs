using System.IO.Pipelines;
using System.Text;
using EchoHost.Connections.Admission;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Connections.Admission;

/// <summary>The middleware of HTTP connections over a pair of pipes, with a test clock.</summary>
public sealed class HttpMiddlewareTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Pipe _toHost = new();
    private readonly Pipe _fromHost = new(new PipeOptions(pauseWriterThreshold: 10, resumeWriterThreshold: 5));
    private readonly PipeHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task A_connection_that_sends_nothing_ends_after_two_seconds()
    {
        var wasAsked = false;
        var running = Client(_ => Task.FromResult(wasAsked = true)).OnConnectionAsync(Connection());
        _time.Advance(HttpClientMiddleware.FirstByteLimit - TimeSpan.FromMilliseconds(1));
        Assert.False(running.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await running.WaitAsync(Wait.Limit);
        Assert.False(wasAsked);
    }

    [Fact]
    public async Task What_was_sent_is_still_there()
    {
        var seen = "";
        var running = Client(async connection =>
        {
            var read = await connection.Transport.Input.ReadAsync();
            seen = Encoding.ASCII.GetString(read.Buffer);
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
        }).OnConnectionAsync(Connection());
        await _toHost.Writer.WriteAsync("G"u8.ToArray());
        await running.WaitAsync(Wait.Limit);
        Assert.Equal("G", seen);
    }

    [Fact]
    public async Task One_that_ends_without_a_byte_is_not_passed_on()
    {
        await _toHost.Writer.CompleteAsync();
        await Client(_ => throw new InvalidOperationException()).OnConnectionAsync(Connection()).WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task While_the_client_takes_nothing_the_host_waits_for_it()
    {
        var place = new HttpPlace(Connection(), isLocal: false, _time);
        var output = new WatchedOutput(_fromHost.Writer, place);
        place.HostsTurn();
        _time.Advance(TimeSpan.FromSeconds(1));
        var group = place.Order.Group;
        await output.WriteAsync(new byte[5]);
        Assert.Equal(group, place.Order.Group);
        var writing = output.WriteAsync(new byte[20]).AsTask();
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(place.Order.Group < group);
        var read = await _fromHost.Reader.ReadAsync();
        _fromHost.Reader.AdvanceTo(read.Buffer.End);
        await writing.WaitAsync(Wait.Limit);
        Assert.Equal(group, place.Order.Group);
    }

    private HttpClientMiddleware Client(ConnectionDelegate next) => new(
        next,
        _host.Services.GetRequiredService<EchoHost.Metrics.EchoMetrics>().For("http"),
        new HttpGate(16, _time),
        _host.Services.GetRequiredService<Rejections>(),
        _time);

    private DefaultConnectionContext Connection() => new("pipes") { Transport = new Duplex(_toHost.Reader, _fromHost.Writer) };

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
