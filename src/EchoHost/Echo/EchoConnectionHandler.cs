using System.Buffers;
using System.IO.Pipelines;
using EchoHost.Connections.Tracking;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Echo;

/// <summary>
/// Sends back every byte it reads, in order. One flush a read; while the peer does not take what was sent, nothing
/// more is read from it.
/// </summary>
internal sealed class EchoConnectionHandler(EchoMetrics metrics, MessageLog log) : ConnectionHandler
{
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        var (input, output) = (connection.Transport.Input, connection.Transport.Output);
        // This host's own readiness probe is not tracked.
        var tracked = connection.Features.Get<TrackedConnection>();
        var counts = tracked is null ? null : metrics.For(tracked.Endpoint);

        for (var isClosing = false; ;)
        {
            ReadResult read;
            if (!isClosing)
            {
                read = await input.ReadAsync();
            }
            else if (!input.TryRead(out read))
            {
                return;
            }

            // Asked to close: what has been received by now is still echoed.
            isClosing |= read.IsCanceled && (tracked is null || tracked.CloseReason is not null);
            var length = read.Buffer.Length;
            if (length == 0)
            {
                input.AdvanceTo(read.Buffer.End);
            }
            else
            {
                tracked?.Received(length);
                counts?.Received(length);
                if (tracked is not null && log.IsEnabled)
                {
                    log.Received(tracked.Peer, read.Buffer);
                }

                // With nobody left to send to, the next read says why: a reset throws there.
                var flush = await SendAsync(read.Buffer, output);
                input.AdvanceTo(read.Buffer.End);
                if (!flush.IsCompleted)
                {
                    tracked?.Sent(length);
                    counts?.Sent(length);
                }
            }

            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>
    /// In one piece, as nearly all messages are, it can be sent straight from the memory that was read, which is kept
    /// until that is done. Pieces are put together, so that they leave together.
    /// </summary>
    private static ValueTask<FlushResult> SendAsync(in ReadOnlySequence<byte> message, PipeWriter output)
    {
        if (message.IsSingleSegment)
        {
            return output.WriteAsync(message.First);
        }

        foreach (var segment in message)
        {
            output.Write(segment.Span);
        }

        return output.FlushAsync();
    }
}
