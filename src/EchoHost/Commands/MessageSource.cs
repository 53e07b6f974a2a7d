using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace EchoHost.Commands;

/// <summary>Where <c>send</c> has its messages from.</summary>
internal static class MessageSource
{
    private const int ReadSize = 64 * 1024;

    /// <summary>So many messages, each made when it is asked for.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> Repeat(Func<byte[]> next, int count)
    {
        await Task.CompletedTask;
        for (var made = 0; made < count; made++)
        {
            yield return next();
        }
    }

    /// <summary>The lines of a stream, byte for byte, without their ends (LF or CR LF); one without a byte is no message.</summary>
    /// <exception cref="InvalidDataException">A line is longer than <paramref name="longest"/> bytes.</exception>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> LinesAsync(
        Stream stream, int longest, int most, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: ReadSize));
        long searched = 0;
        for (var found = 0; found < most;)
        {
            var read = await ReadAsync(input, cancellationToken);
            var rest = read.Buffer;
            while (found < most && TryTakeLine(ref rest, searched, read.IsCompleted, out var line))
            {
                searched = 0;
                if (line.Length > longest)
                {
                    throw TooLong(longest);
                }

                if (!line.IsEmpty)
                {
                    found++;
                    yield return line.ToArray();
                }
            }

            if (read.IsCompleted)
            {
                yield break;
            }

            // Its last byte may be the CR of its end.
            if (found < most && rest.Length - 1 > longest)
            {
                throw TooLong(longest);
            }

            searched = rest.Length;
            input.AdvanceTo(rest.Start, read.Buffer.End);
        }
    }

    private static InvalidDataException TooLong(int longest) => new($"a line of standard input has more than {longest} bytes");

    /// <exception cref="InvalidDataException">It can't be read.</exception>
    private static async Task<ReadResult> ReadAsync(PipeReader input, CancellationToken cancellationToken)
    {
        try
        {
            // A read of standard input does not hear of being canceled.
            return await input.ReadAsync(CancellationToken.None).AsTask().WaitAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"standard input can't be read: {e.GetBaseException().Message}", e);
        }
    }

    /// <param name="rest">What is not taken yet.</param>
    /// <param name="searched">How many bytes of it hold no end of a line, so that a long one is not searched again from its beginning with each read.</param>
    /// <param name="isLast">Whether nothing follows.</param>
    /// <param name="line">The line, without its end.</param>
    private static bool TryTakeLine(ref ReadOnlySequence<byte> rest, long searched, bool isLast, out ReadOnlySequence<byte> line)
    {
        line = default;
        if (rest.Slice(searched).PositionOf((byte)'\n') is { } end)
        {
            line = rest.Slice(0, end);
            rest = rest.Slice(rest.GetPosition(1, end));
        }
        else if (isLast && rest.Length > 0)
        {
            line = rest;
            rest = rest.Slice(rest.End);
        }
        else
        {
            return false;
        }

        if (line.Length > 0 && line.Slice(line.Length - 1).FirstSpan[0] == '\r')
        {
            line = line.Slice(0, line.Length - 1);
        }

        return true;
    }
}
