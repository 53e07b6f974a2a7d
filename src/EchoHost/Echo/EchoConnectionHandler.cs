using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using EchoHost.Connections.Tracking;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Echo;

/// <summary>
/// Sends back every byte it reads, in order. One flush a read; while the client does not take what was sent, nothing
/// more is read from it.
/// </summary>
internal sealed class EchoConnectionHandler(EchoMetrics metrics, MessageLog log, TimeProvider time) : ConnectionHandler
{
    /// <summary>
    /// How long received bytes may take from the kernel to this handler: through the transport's own loop, and TLS. By the
    /// system's clock, as <see cref="MaxTime"/>: bytes know no other.
    /// </summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(100);

    /// <summary>How often in a row that time must pass in silence: a busy machine may hold up a thread for longer than it once.</summary>
    private const int MinQuiet = 2;

    /// <summary>How many bytes may be on that way: the transport's pipe, and the records of TLS.</summary>
    private const int MaxUnderWay = 256 * 1024;

    /// <summary>How long a connection's last bytes may take in all.</summary>
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(5);

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        var (input, output) = (connection.Transport.Input, connection.Transport.Output);
        // This host's own readiness probe is not tracked.
        var tracked = connection.Features.Get<TrackedConnection>();
        var counts = tracked is null ? null : metrics.For(tracked.Endpoint);

        while (true)
        {
            var read = await input.ReadAsync();
            var isAskedToClose = read.IsCanceled && (tracked is null || tracked.CloseReason is not null);
            var isLast = read.IsCompleted;
            await EchoAsync(read.Buffer, input, output, tracked, counts);
            if (isLast)
            {
                return;
            }

            if (isAskedToClose)
            {
                await EchoRestAsync(input, output, tracked, counts);
                return;
            }
        }
    }

    /// <summary>
    /// The host is about to end the connection: sends back what the kernel had received by then, so that the end is at a
    /// message's end. A client that goes on sending gets the same, and no more.
    /// </summary>
    private async Task EchoRestAsync(PipeReader input, PipeWriter output, TrackedConnection? tracked, EndpointMetrics? counts)
    {
        var start = Stopwatch.GetTimestamp();
        long left = MaxUnderWay + (tracked?.Socket?.UnreadBytes ?? 0);
        var quiet = 0;
        await using var settled = new Timer(static input => ((PipeReader)input!).CancelPendingRead(), input, Settle, Settle);
        while (left > 0 && Stopwatch.GetElapsedTime(start) < MaxTime)
        {
            var waiting = Stopwatch.GetTimestamp();
            var read = await input.ReadAsync();
            var (length, isLast) = (read.Buffer.Length, read.IsCompleted);
            left -= length;
            await EchoAsync(read.Buffer, input, output, tracked, counts);
            // Nothing came for a while, and the kernel has nothing either.
            var isQuiet = read.IsCanceled && length == 0 && Stopwatch.GetElapsedTime(waiting) >= Settle / 2 && (tracked?.Socket?.UnreadBytes ?? 0) == 0;
            quiet = isQuiet ? quiet + 1 : 0;
            if (isLast || quiet == MinQuiet)
            {
                return;
            }
        }
    }

    /// <summary>
    /// Sends one message back. Apart from the loop above, so that a connection which waits for its client, as most do most
    /// of the time, keeps nothing of it in memory.
    /// </summary>
    private ValueTask EchoAsync(in ReadOnlySequence<byte> message, PipeReader input, PipeWriter output, TrackedConnection? tracked, EndpointMetrics? counts)
    {
        var length = message.Length;
        if (length == 0)
        {
            input.AdvanceTo(message.End);
            return default;
        }

        var now = time.GetTimestamp();
        tracked?.Received(length, now);
        counts?.Received(length);
        if (tracked is not null && log.IsEnabled)
        {
            log.Received(tracked, message);
        }

        // In one piece, as nearly all messages are, it can be sent straight from the memory that was read, which is kept
        // until that is done. Pieces are put together, so that they leave together.
        if (message.IsSingleSegment)
        {
            var sending = output.WriteAsync(message.First);
            if (!sending.IsCompletedSuccessfully)
            {
                return FinishAsync(sending, message.End, length, input, tracked, counts);
            }

            input.AdvanceTo(message.End);
            Sent(sending.Result, length, now, tracked, counts);
            return default;
        }

        foreach (var segment in message)
        {
            output.Write(segment.Span);
        }

        input.AdvanceTo(message.End);
        return FinishAsync(output.FlushAsync(), null, length, input, tracked, counts);
    }

    /// <summary>The same where the transport does not take all at once; <paramref name="end"/> is null where the message was copied.</summary>
    private async ValueTask FinishAsync(
        ValueTask<FlushResult> sending, SequencePosition? end, long length, PipeReader input, TrackedConnection? tracked, EndpointMetrics? counts)
    {
        var flush = await sending;
        if (end is { } held)
        {
            input.AdvanceTo(held);
        }

        Sent(flush, length, time.GetTimestamp(), tracked, counts);
    }

    private static void Sent(FlushResult flush, long length, long now, TrackedConnection? tracked, EndpointMetrics? counts)
    {
        // When the client is gone, the next read says why: a reset throws there.
        if (!flush.IsCompleted)
        {
            tracked?.Sent(length, now);
            counts?.Sent(length);
        }
    }
}
