using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace EchoHost.Commands;

/// <summary>Where <c>send</c> has its messages from.</summary>
internal static class MessageSource
{
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
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> LinesAsync(Stream stream, int longest, int most, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var input = PipeReader.Create(stream);
        for (var found = 0; found < most;)
        {
            // A read of standard input does not hear of being canceled.
            var read = await input.ReadAsync(CancellationToken.None).AsTask().WaitAsync(cancellationToken);
            var rest = read.Buffer;
            while (found < most && TryTakeLine(ref rest, read.IsCompleted, out var line))
            {
                if (line.Length > 0)
                {
                    found++;
                    yield return line;
                }
            }

            if (read.IsCompleted)
            {
                yield break;
            }

            if (rest.Length > longest)
            {
                throw new InvalidDataException($"a line of standard input has more than {longest} bytes");
            }

            input.AdvanceTo(rest.Start, read.Buffer.End);
        }
    }

    private static bool TryTakeLine(ref ReadOnlySequence<byte> rest, bool isLast, out byte[] line)
    {
        line = [];
        if (rest.PositionOf((byte)'\n') is { } end)
        {
            line = rest.Slice(0, end).ToArray();
            rest = rest.Slice(rest.GetPosition(1, end));
        }
        else if (isLast && rest.Length > 0)
        {
            line = rest.ToArray();
            rest = rest.Slice(rest.End);
        }
        else
        {
            return false;
        }

        if (line is [.. var text, (byte)'\r'])
        {
            line = text;
        }

        return true;
    }
}
