using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace EchoHost.Commands;

/// <summary>The messages of <c>send</c>.</summary>
internal static class MessageSource
{
    private const int ReadSize = 64 * 1024;

    /// <summary>Generates <paramref name="count"/> messages, each on demand.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> Repeat(Func<byte[]> next, int count)
    {
        await Task.CompletedTask;
        for (var made = 0; made < count; made++)
        {
            yield return next();
        }
    }

    /// <summary>Reads the lines of a stream, byte for byte, without their ends (LF or CR LF). Empty lines are skipped.</summary>
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

            // The last byte may be the CR of the line's end.
            if (found < most && rest.Length - 1 > longest)
            {
                throw TooLong(longest);
            }

            searched = rest.Length;
            input.AdvanceTo(rest.Start, read.Buffer.End);
        }
    }

    private static InvalidDataException TooLong(int longest) => new($"a line of standard input has more than {longest} bytes");

    /// <exception cref="InvalidDataException">Standard input can't be read.</exception>
    private static async Task<ReadResult> ReadAsync(PipeReader input, CancellationToken cancellationToken)
    {
        try
        {
            // A read of standard input can't be cancelled.
            return await input.ReadAsync(CancellationToken.None).AsTask().WaitAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"standard input can't be read: {e.GetBaseException().Message}", e);
        }
    }

    /// <param name="rest">The bytes that are not consumed yet.</param>
    /// <param name="searched">
    /// The number of bytes in it that are known to hold no line end, so that a long line is not searched again with each
    /// read.
    /// </param>
    /// <param name="isLast">Whether the input ends after it.</param>
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
