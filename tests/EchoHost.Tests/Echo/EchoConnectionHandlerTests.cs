using System.IO.Pipelines;
using System.Text;
using EchoHost.Echo;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Echo;

/// <summary>The handler over a pair of pipes, without a socket.</summary>
public sealed class EchoConnectionHandlerTests : IAsyncLifetime
{
    private readonly Pipe _toHandler = new(new PipeOptions(pauseWriterThreshold: 107, resumeWriterThreshold: 1));
    private readonly Pipe _fromHandler = new(new PipeOptions(pauseWriterThreshold: 100, resumeWriterThreshold: 50));
    private EchoHostFixture _host = null!;
    private Task _handling = Task.CompletedTask;

    public async ValueTask InitializeAsync()
    {
        _host = await EchoHostFixture.StartAsync();
        var handler = ActivatorUtilities.CreateInstance<EchoConnectionHandler>(_host.Services);
        _handling = handler.OnConnectedAsync(new DefaultConnectionContext("pipes") { Transport = new Duplex(_toHandler.Reader, _fromHandler.Writer) });
    }

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task What_is_written_in_pieces_comes_back_whole()
    {
        foreach (var piece in new[] { "one ", "two ", "three" })
        {
            await _toHandler.Writer.WriteAsync(Encoding.ASCII.GetBytes(piece));
        }

        await _toHandler.Writer.CompleteAsync();
        await _handling.WaitAsync(Wait.Limit);
        await _fromHandler.Writer.CompleteAsync();
        Assert.Equal("one two three", Encoding.ASCII.GetString((await _fromHandler.Reader.ReadAtLeastAsync(100).AsTask().WaitAsync(Wait.Limit)).Buffer));
    }

    [Fact]
    public async Task Nothing_more_is_read_while_nobody_takes_what_was_sent()
    {
        await _toHandler.Writer.WriteAsync(new byte[100]);
        await Wait.UntilAsync(() => _fromHandler.Reader.TryRead(out var read) && Untouched(read), "the first message is sent");
        var second = _toHandler.Writer.WriteAsync(new byte[7]).AsTask();
        Assert.False(second.IsCompleted, "the first message is still held, so there is no room for the second");

        await TakeAsync(100);
        await second.WaitAsync(Wait.Limit);
        await TakeAsync(7);

        bool Untouched(ReadResult read)
        {
            var isThere = read.Buffer.Length == 100;
            _fromHandler.Reader.AdvanceTo(read.Buffer.Start, read.Buffer.Start);
            return isThere;
        }

        async Task TakeAsync(int count)
        {
            var read = await _fromHandler.Reader.ReadAtLeastAsync(count).AsTask().WaitAsync(Wait.Limit);
            Assert.Equal(count, read.Buffer.Length);
            _fromHandler.Reader.AdvanceTo(read.Buffer.End);
        }
    }

    [Fact]
    public async Task Asked_to_close_it_still_echoes_what_was_received()
    {
        await _toHandler.Writer.WriteAsync(Encoding.ASCII.GetBytes("last words"));
        _toHandler.Reader.CancelPendingRead();
        await _handling.WaitAsync(Wait.Limit);
        Assert.True(_fromHandler.Reader.TryRead(out var read));
        Assert.Equal("last words", Encoding.ASCII.GetString(read.Buffer));
    }

    [Fact]
    public async Task A_reset_is_thrown_on()
    {
        await _toHandler.Writer.CompleteAsync(new ConnectionResetException("reset"));
        await Assert.ThrowsAsync<ConnectionResetException>(() => _handling.WaitAsync(Wait.Limit));
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
