using System.IO.Pipelines;

namespace Kestrel.ProxyProtocol;

/// <summary>A transport whose last read is returned once more: the next read returns it as if it had just come.</summary>
internal sealed class UnreadTransport(IDuplexPipe transport, ReadResult unread) : IDuplexPipe
{
    public PipeReader Input { get; } = new UnreadInput(transport.Input, unread);

    public PipeWriter Output => transport.Output;

    /// <summary>The read is still open, so its bytes are consumed through <paramref name="input"/>.</summary>
    private sealed class UnreadInput(PipeReader input, ReadResult unread) : PipeReader
    {
        private bool _isRead;

        public override bool TryRead(out ReadResult result)
        {
            if (_isRead)
            {
                return input.TryRead(out result);
            }

            // The cancellation was not meant for this reader.
            _isRead = true;
            result = new ReadResult(unread.Buffer, isCanceled: false, unread.IsCompleted);
            return true;
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            _isRead || !TryRead(out var result) ? input.ReadAsync(cancellationToken) : new ValueTask<ReadResult>(result);

        public override void AdvanceTo(SequencePosition consumed) => input.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => input.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => input.CancelPendingRead();

        public override void Complete(Exception? exception = null) => input.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => input.CompleteAsync(exception);
    }
}
