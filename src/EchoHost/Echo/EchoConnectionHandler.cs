using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using EchoHost.Connections.Tracking;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Echo;

/// <summary>
/// Sends back every byte it reads, in order, with one flush per read. While the client does not take the echo, nothing more
/// is read from it.
/// </summary>
internal sealed class EchoConnectionHandler(EchoMetrics metrics, MessageLog log, TimeProvider time) : ConnectionHandler
{
    /// <summary>
    /// The maximum time that received bytes take from the kernel through the transport's loop and TLS to this handler. Like
    /// <see cref="MaxTime"/> it is real time, because the kernel and the network do not follow a test's clock.
    /// </summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The number of silent periods in a row before the input counts as read: on a busy machine a thread may miss one of
    /// them.
    /// </summary>
    private const int MinQuiet = 2;

    /// <summary>
    /// The maximum number of bytes between the kernel and this handler: the transport's pipe and the records of TLS.
    /// </summary>
    private const int MaxUnderWay = 256 * 1024;

    /// <summary>The maximum time for echoing a connection's last bytes.</summary>
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(5);

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        var (input, output) = (connection.Transport.Input, connection.Transport.Output);
        // The host's own readiness probe is not tracked.
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
    /// Echoes what the kernel had received when the host began to close the connection, so that the echo does not stop in
    /// the middle of a message. A client that keeps sending gets the same amount back, and no more.
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
            // Nothing came for a while, and the kernel holds nothing either.
            var isQuiet = read.IsCanceled && length == 0 && Stopwatch.GetElapsedTime(waiting) >= Settle / 2 && (tracked?.Socket?.UnreadBytes ?? 0) == 0;
            quiet = isQuiet ? quiet + 1 : 0;
            if (isLast || quiet == MinQuiet)
            {
                return;
            }
        }
    }

    /// <summary>
    /// Sends one message back. Separate from the read loop, so that its locals take no memory in a connection that waits for its
    /// client, as most do most of the time.
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

        // A message in one segment, as nearly all are, is sent from the memory that was read into, which is held until the send
        // completes. Several segments are copied, so that they leave in one flush.
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

    /// <summary>
    /// Completes a send that the transport could not finish at once; <paramref name="end"/> is null if the message was
    /// copied.
    /// </summary>
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
        // If the client is gone, the next read reports it: a reset throws there.
        if (!flush.IsCompleted && tracked?.Sent(length, now) == true)
        {
            counts?.Sent(length);
        }
    }
}
