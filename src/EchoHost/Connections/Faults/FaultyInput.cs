using System.IO.Pipelines;
using EchoHost.Connections.Tracking;
using EchoHost.Metrics;

namespace EchoHost.Connections.Faults;

/// <summary>What a service reads on a connection with faults: the client's bytes, until a fault ends the connection.</summary>
internal sealed class FaultyInput(PipeReader inner, FaultyEnd end) : PipeReader
{
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        Seen(await inner.ReadAsync(cancellationToken));

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out var read))
        {
            result = default;
            return false;
        }

        result = Seen(read);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

    /// <summary>The host asks for the end of the connection in this way; see <see cref="TrackedConnection.RequestClose"/>.</summary>
    public override void CancelPendingRead()
    {
        end.Hurry();
        inner.CancelPendingRead();
    }

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    /// <summary>Reads and drops everything until either side ends the connection.</summary>
    public async Task SwallowAsync(TrackedConnection tracked, EndpointMetrics metrics, TimeProvider time)
    {
        while (true)
        {
            var read = await ReadAsync();
            var (length, isEnd) = (read.Buffer.Length, read.IsCompleted || (read.IsCanceled && tracked.CloseReason is not null));
            inner.AdvanceTo(read.Buffer.End);
            if (length > 0)
            {
                var now = time.GetTimestamp();
                tracked.Received(length, now);
                metrics.Received(length);
                tracked.Sent(0, now);
            }

            if (isEnd)
            {
                return;
            }
        }
    }

    /// <summary>To the service, an end by a fault looks like the client's end.</summary>
    private ReadResult Seen(in ReadResult read) => end.IsOver ? new ReadResult(read.Buffer, isCanceled: false, isCompleted: true) : read;
}
