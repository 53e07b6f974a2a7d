using System.IO.Pipelines;
using System.Text;
using EchoHost.Echo;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Tests.Echo;

/// <summary>The handler over a pair of pipes, without a socket.</summary>
public sealed class EchoConnectionHandlerTests : IDisposable
{
    private readonly PipeHost _host = new();
    private readonly PipeConnection _client = new(pauseReading: 107, pauseWriting: 100);
    private readonly Task _handling;

    public EchoConnectionHandlerTests() => _handling = _host.Create<EchoConnectionHandler>().OnConnectedAsync(_client);

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task What_is_written_in_pieces_comes_back_whole()
    {
        foreach (var piece in new[] { "one ", "two ", "three" })
        {
            await _client.ClientOutput.WriteAsync(Encoding.ASCII.GetBytes(piece));
        }

        await _client.ClientOutput.CompleteAsync();
        await _handling.WaitAsync(Wait.Limit);
        await _client.Transport.Output.CompleteAsync();
        Assert.Equal("one two three", Encoding.ASCII.GetString((await _client.ClientInput.ReadAtLeastAsync(100).AsTask().WaitAsync(Wait.Limit)).Buffer));
    }

    [Fact]
    public async Task Nothing_more_is_read_while_nobody_takes_what_was_sent()
    {
        await _client.ClientOutput.WriteAsync(new byte[100]);
        await Wait.UntilAsync(() => _client.ClientInput.TryRead(out var read) && Untouched(read), "the first message is sent");
        var second = _client.ClientOutput.WriteAsync(new byte[7]).AsTask();
        Assert.False(second.IsCompleted, "the first message is still held, so there is no room for the second");

        await TakeAsync(100);
        await second.WaitAsync(Wait.Limit);
        await TakeAsync(7);

        bool Untouched(ReadResult read)
        {
            var isThere = read.Buffer.Length == 100;
            _client.ClientInput.AdvanceTo(read.Buffer.Start, read.Buffer.Start);
            return isThere;
        }

        async Task TakeAsync(int count)
        {
            var read = await _client.ClientInput.ReadAtLeastAsync(count).AsTask().WaitAsync(Wait.Limit);
            Assert.Equal(count, read.Buffer.Length);
            _client.ClientInput.AdvanceTo(read.Buffer.End);
        }
    }

    [Fact]
    public async Task Asked_to_close_it_still_echoes_what_was_received()
    {
        await _client.ClientOutput.WriteAsync(Encoding.ASCII.GetBytes("last words"));
        _client.Transport.Input.CancelPendingRead();
        await _handling.WaitAsync(Wait.Limit);
        Assert.True(_client.ClientInput.TryRead(out var read));
        Assert.Equal("last words", Encoding.ASCII.GetString(read.Buffer));
    }

    [Fact]
    public async Task A_reset_is_thrown_on()
    {
        await _client.ClientOutput.CompleteAsync(new ConnectionResetException("reset"));
        await Assert.ThrowsAsync<ConnectionResetException>(() => _handling.WaitAsync(Wait.Limit));
    }
}
