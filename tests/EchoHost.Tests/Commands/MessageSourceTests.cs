using System.Text;
using EchoHost.Commands;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

public class MessageSourceTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("\n", "")]
    [InlineData("\r\n\n\r\n", "")]
    [InlineData("one\n", "one")]
    [InlineData("one", "one")]
    [InlineData("one\ntwo", "one|two")]
    [InlineData("one\r\ntwo\r\n", "one|two")]
    [InlineData("one\n\n\ntwo\n", "one|two")]
    [InlineData("one\rtwo\r\r\nthree\r", "one\rtwo\r|three")]
    [InlineData(" a b \t\n\0\n", " a b \t|\0")]
    public async Task A_message_is_a_line_wherever_the_stream_is_split(string text, string lines)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        var expected = lines.Length == 0 ? [] : lines.Split('|');
        for (var first = 0; first <= bytes.Length; first++)
        {
            for (var second = first; second <= bytes.Length; second++)
            {
                Assert.Equal(expected, await LinesAsync(new Pieces(bytes[..first], bytes[first..second], bytes[second..])));
            }
        }
    }

    [Fact]
    public async Task Every_byte_of_a_line_is_kept()
    {
        // Invalid UTF-8, a byte order mark, and each byte except the line feed.
        var messages = 0;
        byte[] line = [0xEF, 0xBB, 0xBF, 0xFF, 0xC0, 0x80, 0xED, 0xA0, 0x80, .. Enumerable.Range(0, 256).Where(b => b != '\n').Select(b => (byte)b), (byte)'x'];
        await foreach (var message in MessageSource.LinesAsync(new Pieces(line, [(byte)'\n']), 1000, 10).WithCancellation(Stop()))
        {
            Bytes.AssertSame(line, message.Span);
            messages++;
        }

        Assert.Equal(1, messages);
    }

    [Fact]
    public async Task A_long_line_is_one_message()
    {
        var messages = 0;
        var line = new SeededBytes(1).Take(1_000_000);
        line.AsSpan().Replace((byte)'\n', (byte)' ');
        line[^1] = (byte)'x';
        var pieces = line.Chunk(999).Append("\n"u8.ToArray()).ToArray();
        await foreach (var message in MessageSource.LinesAsync(new Pieces(pieces), line.Length, 10).WithCancellation(Stop()))
        {
            Bytes.AssertSame(line, message.Span);
            messages++;
        }

        Assert.Equal(1, messages);
    }

    [Theory]
    [InlineData(10, "0123456789\n")]
    [InlineData(10, "0123456789\r\n")]
    [InlineData(10, "0123456789")]
    public async Task A_line_may_be_as_long_as_the_longest(int longest, string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var split = 0; split <= bytes.Length; split++)
        {
            Assert.Equal(["0123456789"], await LinesAsync(new Pieces(bytes[..split], bytes[split..]), longest));
        }
    }

    [Theory]
    [InlineData("0123456789x\n")]
    [InlineData("0123456789x\r\n")]
    [InlineData("0123456789x")]
    [InlineData("0123456789xyzxyzxyz")]
    [InlineData("ok\n0123456789x\nok\n")]
    public async Task A_line_that_is_longer_is_refused_wherever_the_stream_is_split(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var split = 0; split <= bytes.Length; split++)
        {
            var error = await Assert.ThrowsAsync<InvalidDataException>(() => LinesAsync(new Pieces(bytes[..split], bytes[split..]), 10));
            Assert.Equal("a line of standard input has more than 10 bytes", error.Message);
        }
    }

    [Fact]
    public async Task An_endless_line_is_refused_before_its_end() =>
        await Assert.ThrowsAsync<InvalidDataException>(() => LinesAsync(new Pieces([.. Enumerable.Repeat(new byte[100], 1000)]) { IsEndless = true }, 10));

    [Theory]
    [InlineData("one\ntwo\nthree\n", 2, "one|two")]
    [InlineData("one\ntwo\nand a rest that is too long to be a line", 2, "one|two")]
    [InlineData("one\ntwo\n", 3, "one|two")]
    public async Task No_more_are_taken_than_are_wanted(string text, int most, string lines)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var split = 0; split <= bytes.Length; split++)
        {
            Assert.Equal(lines.Split('|'), await LinesAsync(new Pieces(bytes[..split], bytes[split..]) { IsEndless = most == 2 }, 10, most));
        }
    }

    [Fact]
    public async Task A_line_comes_as_soon_as_it_is_there()
    {
        await using var lines = MessageSource.LinesAsync(new Pieces("one\ntw"u8.ToArray()) { IsEndless = true }, 10, 10).GetAsyncEnumerator(Stop());
        Assert.True(await lines.MoveNextAsync().AsTask().WaitAsync(Wait.Limit));
        Assert.Equal("one", Encoding.Latin1.GetString(lines.Current.Span));
    }

    [Fact]
    public async Task Waiting_for_a_line_ends_when_it_is_canceled()
    {
        using var stop = new CancellationTokenSource();
        await using var lines = MessageSource.LinesAsync(new Pieces { IsEndless = true }, 10, 10).GetAsyncEnumerator(stop.Token);
        var next = lines.MoveNextAsync().AsTask();
        Assert.False(next.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task A_repeated_message_is_made_each_time()
    {
        var made = 0;
        var messages = new List<byte>();
        await foreach (var message in MessageSource.Repeat(() => [(byte)++made], 3))
        {
            // No message is generated before it is requested.
            Assert.Equal(messages.Count + 1, made);
            messages.Add(message.Span[0]);
        }

        Assert.Equal([1, 2, 3], messages);
    }

    private static CancellationToken Stop() => new CancellationTokenSource(Wait.Limit).Token;

    private static async Task<List<string>> LinesAsync(Stream stream, int longest = 1000, int most = 1000)
    {
        var lines = new List<string>();
        await foreach (var message in MessageSource.LinesAsync(stream, longest, most).WithCancellation(Stop()))
        {
            lines.Add(Encoding.Latin1.GetString(message.Span));
        }

        return lines;
    }

    /// <summary>A stream whose reads return at most one piece each and ignore cancellation.</summary>
    private sealed class Pieces(params byte[][] pieces) : Stream
    {
        private readonly Queue<ReadOnlyMemory<byte>> _pieces = new(pieces.Where(p => p.Length > 0).Select(p => (ReadOnlyMemory<byte>)p));

        /// <summary>Whether a read at the end waits for ever.</summary>
        public bool IsEndless { get; init; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            if (_pieces.Count == 0)
            {
                return IsEndless ? await new TaskCompletionSource<int>().Task : 0;
            }

            var piece = _pieces.Dequeue();
            var taken = Math.Min(piece.Length, buffer.Length);
            piece[..taken].CopyTo(buffer);
            return taken == piece.Length ? taken : throw new InvalidOperationException("The piece is longer than a read");
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
